//! The command line, where a variable that is set to nothing counts as not set.

use clap::builder::Resettable;
use clap::{Arg, Command, Parser};

/// Parses the program's arguments and variables; ends the process with clap's own message and status 2 where they are
/// wrong.
///
/// A line such as `BUCKET_NAME=` in a file of settings means that there is none, and not a bucket without a name.
#[must_use]
pub fn parse<A: Parser>() -> A {
    let mut command = without_empty_variables(A::command());
    let mut matches = command.get_matches_mut();
    match A::from_arg_matches_mut(&mut matches) {
        Ok(args) => args,
        Err(error) => error.format(&mut command).exit(),
    }
}

fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|argument| {
            if is_empty_in_environment(&argument) {
                argument.env(Resettable::Reset)
            } else {
                argument
            }
        })
        .mut_subcommands(without_empty_variables)
}

fn is_empty_in_environment(argument: &Arg) -> bool {
    let value = argument.get_env().and_then(std::env::var_os);
    value.is_some_and(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_variable_that_is_set_to_something_counts() {
        // a variable of the test run's own, and one that nobody sets
        let [set, unset] = ["PATH", "NOBODY_SETS_THIS"].map(|name| Arg::new(name).env(name));
        assert!(!is_empty_in_environment(&set));
        assert!(!is_empty_in_environment(&unset));
        let command = without_empty_variables(Command::new("test").arg(set));
        let kept = command.get_arguments().next().unwrap();
        assert_eq!(kept.get_env().unwrap(), "PATH");
    }
}
