use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};

type Job = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a child in a process group of its own, so that Ctrl-C reaches only this process, which then stops the
/// children in order.
///
/// All children come from one thread that lives as long as the process: the signal that `setpriv --pdeathsig`
/// asks for is sent when the *thread* that started the child ends.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    command.process_group(0);
    let jobs = SPAWNER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, reply) in receiver {
                // whoever asked may be gone
                reply.send(command.spawn()).ok();
            }
        });
        Mutex::new(sender)
    });
    let (reply, child) = mpsc::channel();
    jobs.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, reply))
        .map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}
