//! The values of constants: sums and products of numbers, times and other constants; and how a reader wants to see them.

/// What a constant comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u128),
    /// In nanoseconds.
    Time(u128),
    Range(Box<Self>, Box<Self>),
    /// `None`.
    Nothing,
}

/// Works an expression out; `named` knows other constants. Nothing for what it does not understand.
pub(crate) fn worked_out(expression: &str, named: &dyn Fn(&str) -> Option<Value>) -> Option<Value> {
    let mut reader = Reader { rest: expression, named };
    let first = reader.shifted()?;
    let value = match reader.eats("..") {
        true => Value::Range(Box::new(first), Box::new(reader.shifted()?)),
        false => first,
    };
    reader.rest.trim().is_empty().then_some(value)
}

/// As a reader wants to see it; `name` says what is counted.
pub(crate) fn shown(value: &Value, name: &str) -> String {
    match value {
        Value::Nothing => "none".to_owned(),
        Value::Time(nanoseconds) => time(*nanoseconds),
        Value::Range(from, to) => format!("{} to {}", shown(from, name), shown(to, name)),
        Value::Number(number) if name.contains("BYTES") => bytes(*number),
        Value::Number(number) if name.contains("PERCENT") => format!("{number} %"),
        Value::Number(number) => grouped(*number),
    }
}

struct Reader<'a> {
    rest: &'a str,
    named: &'a dyn Fn(&str) -> Option<Value>,
}

impl<'a> Reader<'a> {
    fn shifted(&mut self) -> Option<Value> {
        let mut value = self.sum()?;
        while self.eats("<<") {
            let (Value::Number(number), Value::Number(bits)) = (value, self.sum()?) else { return None };
            let factor = 1_u128.checked_shl(u32::try_from(bits).ok()?)?;
            value = Value::Number(number.checked_mul(factor)?);
        }
        Some(value)
    }

    fn sum(&mut self) -> Option<Value> {
        let mut sum = self.product()?;
        loop {
            if self.eats("+") {
                sum = both(&sum, &self.product()?, u128::checked_add)?;
            } else if self.eats("-") {
                sum = both(&sum, &self.product()?, u128::checked_sub)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<Value> {
        let mut product = self.piece()?;
        while self.eats("*") {
            let Value::Number(factor) = self.piece()? else { return None };
            product = match product {
                Value::Number(number) => Value::Number(number.checked_mul(factor)?),
                Value::Time(time) => Value::Time(time.checked_mul(factor)?),
                Value::Range(..) | Value::Nothing => return None,
            };
        }
        Some(product)
    }

    fn piece(&mut self) -> Option<Value> {
        if self.eats("(") {
            let inside = self.shifted()?;
            return self.eats(")").then_some(inside);
        }
        let word = self.word();
        if word.starts_with(|character: char| character.is_ascii_digit()) {
            let digits = word.replace('_', "");
            let digits = digits.trim_end_matches(|character: char| !character.is_ascii_digit());
            return Some(Value::Number(digits.parse().ok()?));
        }
        if word == "None" {
            return Some(Value::Nothing);
        }
        if !self.eats("(") {
            return (self.named)(word.rsplit("::").next()?);
        }
        let Value::Number(inside) = self.shifted()? else { return None };
        if !self.eats(")") {
            return None;
        }
        self.expectation();
        let (_, function) = word.rsplit_once("::").unwrap_or(("", word));
        Some(match function {
            "from_nanos" => Value::Time(inside),
            "from_micros" => Value::Time(inside * 1_000),
            "from_millis" => Value::Time(inside * MILLISECOND),
            "from_secs" => Value::Time(inside * SECOND),
            "new" | "Some" => Value::Number(inside),
            _ => return None,
        })
    }

    /// `.expect("..")`, which stands behind what cannot be nothing.
    fn expectation(&mut self) {
        if let Some(rest) = self.rest.trim_start().strip_prefix(".expect(\"") {
            self.rest = rest.split_once("\")").map_or(rest, |(_, rest)| rest);
        }
    }

    fn eats(&mut self, mark: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let ends = rest.find(|character: char| !character.is_alphanumeric() && !"_:".contains(character));
        let (word, rest) = rest.split_at(ends.unwrap_or(rest.len()));
        self.rest = rest;
        word
    }
}

fn both(one: &Value, other: &Value, joined: fn(u128, u128) -> Option<u128>) -> Option<Value> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => joined(*one, *other).map(Value::Number),
        (Value::Time(one), Value::Time(other)) => joined(*one, *other).map(Value::Time),
        _ => None,
    }
}

const MILLISECOND: u128 = 1_000_000;
const SECOND: u128 = 1_000 * MILLISECOND;

/// In the largest unit that leaves a whole number.
fn time(nanoseconds: u128) -> String {
    let units = [(86_400 * SECOND, "d"), (3_600 * SECOND, "h"), (60 * SECOND, "min"), (SECOND, "s")];
    let small = [(MILLISECOND, "ms"), (1_000, "µs")];
    let unit = units
        .into_iter()
        .chain(small)
        .find(|unit| nanoseconds >= unit.0 && nanoseconds.is_multiple_of(unit.0));
    let (length, name) = unit.unwrap_or((1, "ns"));
    format!("{} {name}", grouped(nanoseconds / length))
}

fn bytes(count: u128) -> String {
    let units = [(1_u128 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|unit| count >= unit.0 && count.is_multiple_of(unit.0));
    let (size, name) = unit.unwrap_or((1, "bytes"));
    format!("{} {name}", grouped(count / size))
}

/// With a comma before each three digits.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
