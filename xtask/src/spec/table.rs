//! The list of claims: a Markdown table, one claim a row, read strictly.

use crate::markdown::cells;

/// The name of the first column: the row that begins with it is the head.
const HEAD: &str = "id";
/// Before the number in the list's preface that bounds the rows that are open.
const CEILING: &str = "Open rows, at most: ";

/// What the introduction does in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Behaviour of a library.
    Core,
    /// Behaviour of a program.
    Program,
    /// An exercise, taken as a request for a feature.
    Exercise,
    /// It explains, draws or tells a story: nothing to show.
    Explanation,
}

/// Where a claim is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// A test cites it.
    Shown,
    /// We decided otherwise: this is our rule, and a test cites it.
    Differs(String),
    /// Comparisons and studies: where the book does it.
    Told(String),
    /// Not yet.
    Open,
    /// Of an explanation nothing is asked.
    Explained,
}

#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) line: usize,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) claims: Vec<Claim>,
    /// How many rows may be open.
    pub(crate) ceiling: usize,
}

impl Table {
    /// # Errors
    /// The first row that cannot be understood, as `LINE: why`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut claims: Vec<Claim> = Vec::new();
        let mut ceiling = None;
        for (at, row) in text.lines().enumerate() {
            let line = at + 1;
            if let Some(number) = row.strip_prefix(CEILING) {
                ceiling = number.trim_end_matches('.').parse().ok();
            }
            let Some(cells) = cells(row, HEAD) else { continue };
            let claim = claim(line, &cells).map_err(|why| format!("{line}: {why}"))?;
            let before = claims.last().map(|claim| claim.id.as_str());
            follows(before, &claim.id).map_err(|why| format!("{line}: {why}"))?;
            claims.push(claim);
        }
        let ceiling = ceiling.ok_or_else(|| format!("1: no line '{CEILING}NUMBER.'"))?;
        Ok(Self { claims, ceiling })
    }
}

fn claim(line: usize, cells: &[&str]) -> Result<Claim, String> {
    let [id, kind, state, words, rest] = cells else {
        return Err(format!(
            "a row has five cells (id, kind, state, claim, rule or place), this one {}",
            cells.len()
        ));
    };
    if !is_id(id) {
        return Err(format!("'{id}' is no id like P19-04 or REF-16"));
    }
    if words.is_empty() {
        return Err(format!("{id} claims nothing"));
    }
    let kind = match *kind {
        "core" => Kind::Core,
        "program" => Kind::Program,
        "exercise" => Kind::Exercise,
        "explanation" => Kind::Explanation,
        other => return Err(format!("{id}: '{other}' is no kind (core, program, exercise, explanation)")),
    };
    let state = state_of(kind, state, rest).map_err(|why| format!("{id}: {why}"))?;
    Ok(Claim { id: (*id).to_owned(), line, state })
}

fn state_of(kind: Kind, state: &str, rest: &str) -> Result<State, String> {
    let rest = rest.to_owned();
    match (kind, state, rest.is_empty()) {
        (Kind::Explanation, "", _) => Ok(State::Explained),
        (Kind::Explanation, _, _) => Err(format!("an explanation has no state, this one has '{state}'")),
        (_, "", _) => Err("it has no state (shown, differs, told, open)".to_owned()),
        (_, "shown", true) => Ok(State::Shown),
        (_, "shown", false) => Err("what is shown as it is claimed has no rule: is it `differs`?".to_owned()),
        (_, "differs", false) => Ok(State::Differs(rest)),
        (_, "differs", true) => Err("it differs: from what we do instead, in a sentence".to_owned()),
        (_, "told", false) => Ok(State::Told(rest)),
        (_, "told", true) => Err("it is told: where, as FILE#HEADING".to_owned()),
        (_, "open", _) => Ok(State::Open),
        (_, other, _) => Err(format!("'{other}' is no state (shown, differs, told, open)")),
    }
}

/// Ids of a part stand one after the other, so that no row is lost.
fn follows(before: Option<&str>, id: &str) -> Result<(), String> {
    let (part, number) = split(id);
    let wanted = match before.map(split) {
        Some((same, before)) if same == part => before + 1,
        _ => 1,
    };
    if number == wanted { Ok(()) } else { Err(format!("{id} stands where {part}-{wanted:02} should")) }
}

fn split(id: &str) -> (&str, u32) {
    let (part, number) = id.split_once('-').unwrap_or((id, ""));
    (part, number.parse().unwrap_or(0))
}

/// `P19-04`, `REF-16`: a part and a number of two digits.
pub(crate) fn is_id(word: &str) -> bool {
    let Some((part, number)) = word.split_once('-') else { return false };
    let is_part = part == "REF"
        || part.strip_prefix('P').is_some_and(|digits| digits.len() == 2 && digits.parse::<u8>().is_ok());
    is_part && number.len() == 2 && number.parse::<u8>().is_ok()
}
