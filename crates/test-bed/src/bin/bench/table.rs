use indicatif::HumanCount;

use crate::figures::Figures;
use crate::outcome::Outcome;

const HEAD: [&str; 9] = [
    "",
    "ticks/s",
    "ticks/CPU-s",
    "CPU µs/tick",
    "RSS MiB",
    "objects",
    "MB out",
    "requests",
    "of limit",
];
/// What there is no figure of.
const NONE: &str = "–";

/// The medians as lines of text.
pub(crate) fn lines(outcome: &Outcome) -> Vec<String> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for (contender, figures) in outcome.measured() {
        let mut row = row(contender.name, figures);
        row[8] = shown(outcome.part_of_limit(contender).map(|part| part * 100.0), percent);
        rows.push(row);
    }
    for encoding in ["zstd", "gzip"] {
        if let Some(limit) = outcome.limit(encoding) {
            rows.push(limit_row(encoding, limit));
        }
    }
    let widths: Vec<_> = (0..HEAD.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let runs = outcome.runs.iter().map(|run| run.run).max().unwrap_or_default();
    let mut lines = vec![
        format!(
            "{} ticks of {} bytes in {} partitions, {} cores, median of {runs}",
            HumanCount(outcome.ticks),
            outcome.bytes / outcome.ticks.max(1),
            outcome.partitions,
            outcome.cores,
        ),
        String::new(),
    ];
    lines.extend(rows.iter().map(|row| line(row, &widths)));
    lines
}

fn row(name: &str, figures: &Figures) -> [String; 9] {
    let a_cpu_second = figures.ticks_a_cpu_second();
    [
        name.to_owned(),
        count(figures.ticks_a_second()),
        count(a_cpu_second),
        format!("{:.3}", 1e6 / a_cpu_second),
        (figures.memory_peak_bytes / 1024 / 1024).to_string(),
        shown(figures.objects, |objects| objects.to_string()),
        shown(figures.encoded_bytes, |bytes| (bytes / 1_000_000).to_string()),
        shown(figures.requests, |requests| requests.to_string()),
        NONE.to_owned(),
    ]
}

fn limit_row(encoding: &str, limit: f64) -> [String; 9] {
    let mut row = HEAD.map(|_| NONE.to_owned());
    row[0] = format!("limit {encoding}");
    row[2] = count(limit);
    row[3] = format!("{:.3}", 1e6 / limit);
    row[8] = percent(100.0);
    row
}

fn shown<T>(figure: Option<T>, show: impl Fn(T) -> String) -> String {
    figure.map_or(NONE.to_owned(), show)
}

fn percent(part: f64) -> String {
    format!("{part:.0} %")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is shown in whole ticks"
)]
fn count(rate: f64) -> String {
    HumanCount(rate as u64).to_string()
}

fn line(row: &[String; 9], widths: &[usize]) -> String {
    let name = format!("{:<width$}", row[0], width = widths[0]);
    let cells = row.iter().zip(widths).skip(1);
    let cells = cells.map(|(cell, width)| format!("{cell:>width$}"));
    let columns: Vec<_> = std::iter::once(name).chain(cells).collect();
    columns.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::tests::outcome;

    #[test]
    fn the_table_has_a_line_for_each_that_was_measured() {
        let outcome = outcome(&[
            ("read-batch", 0.5),
            ("check", 0.3),
            ("zstd", 0.2),
            ("jsonl-zstd", 1.25),
        ]);
        let lines = lines(&outcome);
        assert_eq!(
            lines[0],
            "1,000,000 ticks of 300 bytes in 4 partitions, 2 cores, median of 1"
        );
        assert!(
            lines[6].starts_with("jsonl-zstd") && lines[6].ends_with("80 %"),
            "{lines:?}"
        );
        assert!(
            lines[6].contains("500,000") && lines[6].contains("800,000"),
            "{lines:?}"
        );
        assert!(
            lines[7].starts_with("limit zstd") && lines[7].contains("1.000"),
            "{lines:?}"
        );
        let widths: Vec<_> = lines[2..].iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{lines:?}");
    }
}
