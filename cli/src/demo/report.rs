//! What was seen in the demo, as a table, and whether it is what was claimed. Pure: facts in, text out.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use sestina_poetry::cache::Counters;

use super::DEMO_TIME_MAX;
use crate::paint::Paint;

/// What was seen.
#[derive(Debug)]
pub(super) struct Facts {
    /// The clients that came at once.
    pub(super) downloads: Vec<Download>,
    /// From the first connect to the end of the last of them.
    pub(super) wall: Duration,
    /// Connections that the slowest poet had counted then.
    pub(super) upstream_before: u64,
    /// The client that came when all was over.
    pub(super) cached: Download,
    /// Connections that the slowest poet had counted after that.
    pub(super) upstream_after: u64,
    /// From the beginning to the end of all.
    pub(super) total: Duration,
    /// What the proxy says about itself.
    pub(super) counters: Counters,
}

#[derive(Clone, Debug)]
pub(super) struct Download {
    pub(super) who: String,
    pub(super) title: &'static str,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The poem, byte for byte.
    Arrived {
        bytes: usize,
    },
    /// A poem, and not the right one.
    Differs {
        bytes: usize,
    },
    HungUp,
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrived { bytes } => write!(out, "{bytes} bytes"),
            Self::Differs { bytes } => write!(out, "{bytes} wrong bytes"),
            Self::HungUp => out.write_str("hung up"),
            Self::Failed(why) => write!(out, "failed: {why}"),
        }
    }
}

/// One thing that the demo claims.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) text: String,
    pub(super) holds: bool,
}

impl Facts {
    fn sum(&self) -> Duration {
        self.downloads.iter().map(|download| download.took).sum()
    }

    fn hung_up(&self) -> Vec<&Download> {
        self.downloads.iter().filter(|download| download.outcome == Outcome::HungUp).collect()
    }
}

/// The demo's claims, judged.
pub(super) fn claims(facts: &Facts) -> Vec<Claim> {
    let claim = |text: &str, holds| Claim { text: text.to_owned(), holds };
    let arrived = |download: &Download| matches!(download.outcome, Outcome::Arrived { .. });
    let others = facts.downloads.iter().filter(|download| download.outcome != Outcome::HungUp);
    let counters = &facts.counters;
    let alone = facts.hung_up().len() == 1 && counters.left == 1 && counters.fetches_cancelled == 0;
    vec![
        claim(
            "everybody who stayed got the poem byte for byte",
            others.clone().count() > 1 && others.clone().all(arrived) && arrived(&facts.cached),
        ),
        claim(
            "the clients of the proxy were one connection for the poet behind it",
            facts.upstream_before == 1 && counters.misses == 1,
        ),
        claim("the hang-up cancelled that client and nobody else", alone),
        claim(
            "the cached poem needed no connection to the poet",
            facts.upstream_after == facts.upstream_before && counters.hits == 1,
        ),
        claim("all at once took less time than one after the other", facts.wall < facts.sum()),
        claim(&format!("it ended within {} seconds", DEMO_TIME_MAX.as_secs()), facts.total < DEMO_TIME_MAX),
    ]
}

/// The table.
pub(super) fn table(facts: &Facts, paint: Paint) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes everything");
    line(paint.bold(&format!("{:<30} {:<13} {:>12} {:>10}", "client", "poem", "result", "time")));
    for download in &facts.downloads {
        line(row(download));
    }
    line(String::new());
    let (wall, sum) = (facts.wall.as_secs_f64(), facts.sum().as_secs_f64());
    line(format!("wall time:        {wall:.2} s; the sum of the downloads is {sum:.2} s"));
    line(format!(
        "upstream fetches: {} ({} clients joined it)",
        facts.upstream_before, facts.counters.collapsed
    ));
    let names: Vec<&str> = facts.hung_up().iter().map(|download| &*download.who).collect();
    line(format!("cancelled:        {}", names.join("; ")));
    let cached = &facts.cached;
    let millis = 1000.0 * cached.took.as_secs_f64();
    line(format!("from the cache:   {}, {} in {millis:.1} ms", cached.who, cached.outcome));
    text
}

fn row(download: &Download) -> String {
    let Download { who, title, outcome, took } = download;
    let outcome = outcome.to_string();
    format!("{who:<30} {title:<13} {outcome:>12} {:>8.2} s", took.as_secs_f64())
}

/// The claims, each with a word.
pub(super) fn verdict(claims: &[Claim], paint: Paint) -> String {
    let mut text = String::new();
    for claim in claims {
        let word = if claim.holds { paint.good("holds") } else { paint.bad("FAILS") };
        writeln!(text, "{word}  {}", claim.text).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn download(outcome: Outcome, millis: u64) -> Download {
        Download {
            who: "somebody".to_owned(),
            title: "ecstasy",
            outcome,
            took: Duration::from_millis(millis),
        }
    }

    fn good() -> Facts {
        let whole = Outcome::Arrived { bytes: 3003 };
        let mut counters = Counters::default();
        (counters.misses, counters.collapsed, counters.left, counters.hits) = (1, 2, 1, 1);
        Facts {
            downloads: vec![
                download(whole.clone(), 3000),
                download(Outcome::HungUp, 1500),
                download(whole.clone(), 3001),
            ],
            wall: Duration::from_millis(3002),
            upstream_before: 1,
            cached: download(whole, 1),
            upstream_after: 1,
            total: Duration::from_millis(3004),
            counters,
        }
    }

    #[track_caller]
    fn only_broken(spoil: impl FnOnce(&mut Facts), words: &str) {
        let mut facts = good();
        spoil(&mut facts);
        let broken: Vec<_> = claims(&facts).into_iter().filter(|claim| !claim.holds).collect();
        assert!(broken.len() == 1 && broken[0].text.contains(words), "{broken:?}");
        assert_eq!(verdict(&claims(&facts), Paint::none()).matches("FAILS").count(), 1);
    }

    #[test]
    fn all_claims_hold_for_good_facts() {
        assert!(claims(&good()).iter().all(|claim| claim.holds));
    }

    #[test]
    fn each_claim_fails_when_its_fact_is_wrong() {
        only_broken(|facts| facts.downloads[0].outcome = Outcome::Differs { bytes: 3003 }, "byte for byte");
        only_broken(|facts| facts.downloads[2].outcome = Outcome::Failed("reset".into()), "byte for byte");
        only_broken(|facts| facts.cached.outcome = Outcome::Failed("reset".into()), "byte for byte");
        only_broken(|facts| facts.counters.misses = 2, "one connection");
        only_broken(|facts| facts.counters.fetches_cancelled = 1, "nobody else");
        only_broken(|facts| facts.downloads[1].outcome = Outcome::Arrived { bytes: 3003 }, "nobody else");
        only_broken(|facts| facts.upstream_after = 2, "cached");
        only_broken(|facts| facts.counters.hits = 0, "cached");
        only_broken(|facts| facts.wall = Duration::from_secs(8), "less time");
        only_broken(|facts| facts.total = DEMO_TIME_MAX, "within 6 seconds");
    }

    #[test]
    fn the_table_says_it_in_numbers() {
        let text = table(&good(), Paint::none());
        for words in
            ["3003 bytes     3.00 s", "hung up     1.50 s", "3.00 s; the sum of the downloads is 7.50 s"]
        {
            assert!(text.contains(words), "{text}");
        }
    }
}
