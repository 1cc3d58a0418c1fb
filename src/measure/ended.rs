//! How a sample has ended, and the `where` predicates that select by it.

use super::Failure;
use super::recorder::Outcome;
use crate::plan::{Binary, Expr, Piece, Property, RequestTime};

/// A request, one try of it, a group or an iteration, once nothing can fail it any more.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub intended: u64,
    pub latency: u64,
    pub service_time: u64,
    pub outcome: Outcome,
    /// 0 where there was no answer, or what is no request.
    pub status: u16,
    /// How often it was tried; of a try, which one it was.
    pub attempt: u32,
    /// How often it was handed to the network.
    pub sends: u32,
    /// From the intended instant to the first byte of the answer; 0 where none came.
    pub first_byte: u64,
    /// How long it opened connections, where it did.
    pub connect: Option<u64>,
    /// How long it agreed on encryption, where it did.
    pub tls: Option<u64>,
    /// Of its body and that of its answer; 0 where nobody asks.
    pub bytes: u64,
    /// The condition that did not hold, or why there was no answer, as [`Cause`](super::Cause) has it.
    pub why: u32,
    /// A fault gave the answer.
    pub injected: bool,
}

/// A value of a predicate. Of numbers there are times too, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Operand<'e> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'e str),
}

impl Ended {
    /// What is known where nothing else is: a time and an outcome.
    pub fn plain(intended: u64, latency: u64, service_time: u64, outcome: Outcome) -> Ended {
        Ended {
            intended,
            latency,
            service_time,
            outcome,
            status: 0,
            attempt: 1,
            sends: 1,
            first_byte: 0,
            connect: None,
            tls: None,
            bytes: 0,
            why: 0,
            injected: false,
        }
    }

    pub fn sent(&self) -> u64 {
        (self.intended + self.latency).saturating_sub(self.service_time)
    }

    /// Whether what a series is of a time of did not come.
    pub fn is_unanswered(&self, phase: RequestTime) -> bool {
        let failed = self.outcome.is_err_and(Failure::is_unanswered);
        match phase {
            RequestTime::Latency | RequestTime::ServiceTime | RequestTime::Attempts => failed,
            RequestTime::FirstByte => failed && self.first_byte == 0,
            RequestTime::ConnectTime | RequestTime::TlsTime => false,
        }
    }

    /// The time that a series is of, where it has one: an open connection was not opened.
    pub fn time(&self, phase: RequestTime) -> Option<u64> {
        match phase {
            RequestTime::Latency | RequestTime::ServiceTime | RequestTime::Attempts => Some(self.latency),
            RequestTime::FirstByte if self.first_byte == 0 => Some(self.latency),
            RequestTime::FirstByte => Some(self.first_byte),
            RequestTime::ConnectTime => self.connect,
            RequestTime::TlsTime => self.tls,
        }
    }

    /// Whether a predicate is so of it. What has no answer has no status: it is equal to none and different from all.
    pub fn is(&self, predicate: &Expr) -> bool {
        self.value(predicate) == Operand::Bool(true)
    }

    fn value<'e>(&self, expr: &'e Expr) -> Operand<'e> {
        match expr {
            Expr::Bool(value) => Operand::Bool(*value),
            Expr::Number(value) => Operand::Number(*value),
            Expr::Exact(digits) => digits.parse().map_or(Operand::Null, Operand::Number),
            Expr::Text(pieces) => match pieces.as_slice() {
                [] => Operand::Text(""),
                [Piece::Literal(text)] => Operand::Text(text),
                _ => Operand::Null,
            },
            Expr::Property(property) => self.property(*property),
            Expr::Not(inner) => Operand::Bool(!self.is(inner)),
            Expr::Negate(inner) => match self.value(inner) {
                Operand::Number(number) => Operand::Number(-number),
                _ => Operand::Null,
            },
            Expr::Binary { operator: Binary::And, left, right } => Operand::Bool(self.is(left) && self.is(right)),
            Expr::Binary { operator: Binary::Or, left, right } => Operand::Bool(self.is(left) || self.is(right)),
            Expr::Binary { operator: Binary::In, left, right }
                if let Expr::Binary { operator: Binary::Range, left: least, right: most } = &**right =>
            {
                let is = |operator, end| joined(operator, self.value(left), self.value(end)) == Operand::Bool(true);
                Operand::Bool(is(Binary::GreaterEqual, least) && is(Binary::LessEqual, most))
            }
            Expr::Binary { operator: Binary::In, left, right } => {
                let (wanted, items) =
                    (self.value(left), if let Expr::List(items) = &**right { &items[..] } else { &[] });
                Operand::Bool(items.iter().any(|item| self.value(item) == wanted))
            }
            Expr::Binary { operator, left, right } => joined(*operator, self.value(left), self.value(right)),
            // The checker lets nothing else through.
            _ => Operand::Null,
        }
    }

    fn property(&self, property: Property) -> Operand<'static> {
        match property {
            Property::Status if self.status == 0 => Operand::Null,
            Property::Status => Operand::Number(f64::from(self.status)),
            // As in every order of times, above all answers.
            Property::Latency if self.is_unanswered(RequestTime::Latency) => Operand::Number(f64::INFINITY),
            Property::Latency => Operand::Number(self.latency as f64),
            Property::Attempt => Operand::Number(f64::from(self.attempt)),
            Property::Ok => Operand::Bool(self.outcome.is_ok()),
            Property::Error => self.outcome.err().map_or(Operand::Null, |failure| Operand::Text(failure.as_str())),
        }
    }
}

fn joined<'e>(operator: Binary, left: Operand<'e>, right: Operand<'e>) -> Operand<'e> {
    let (a, b) = match (operator, left, right) {
        (Binary::Equal, a, b) => return Operand::Bool(a == b),
        (Binary::NotEqual, a, b) => return Operand::Bool(a != b),
        (Binary::Contains, Operand::Text(a), Operand::Text(b)) => return Operand::Bool(a.contains(b)),
        (Binary::StartsWith, Operand::Text(a), Operand::Text(b)) => return Operand::Bool(a.starts_with(b)),
        (Binary::EndsWith, Operand::Text(a), Operand::Text(b)) => return Operand::Bool(a.ends_with(b)),
        (_, Operand::Number(a), Operand::Number(b)) => (a, b),
        _ => return Operand::Null,
    };
    match operator {
        Binary::Less => Operand::Bool(a < b),
        Binary::LessEqual => Operand::Bool(a <= b),
        Binary::Greater => Operand::Bool(a > b),
        Binary::GreaterEqual => Operand::Bool(a >= b),
        Binary::Add => Operand::Number(a + b),
        Binary::Subtract => Operand::Number(a - b),
        Binary::Multiply => Operand::Number(a * b),
        Binary::Divide => Operand::Number(a / b),
        _ => Operand::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    fn binary(operator: Binary, left: Expr, right: Expr) -> Expr {
        Expr::Binary { operator, left: Box::new(left), right: Box::new(right) }
    }

    #[test]
    fn predicates_choose_by_how_it_ended() {
        let fine = Ended { status: 200, attempt: 2, ..Ended::plain(5, 300, 200, Ok(())) };
        let late = Ended::plain(5, 900, 900, Err(Failure::Timeout));
        let chosen = |predicate: &Expr| (fine.is(predicate), late.is(predicate));
        let status = |operator| binary(operator, Expr::Property(Property::Status), Expr::Number(200.0));
        assert_eq!(chosen(&status(Binary::Equal)), (true, false));
        assert_eq!(chosen(&status(Binary::NotEqual)), (false, true));
        assert_eq!(chosen(&status(Binary::GreaterEqual)), (true, false), "no answer is no number");
        assert_eq!(chosen(&Expr::Property(Property::Ok)), (true, false));
        assert_eq!(chosen(&Expr::Not(Box::new(Expr::Property(Property::Ok)))), (false, true));
        let kinds = Expr::List(vec![
            Expr::Text(vec![Piece::Literal("reset".into())]),
            Expr::Text(vec![Piece::Literal("timeout".into())]),
        ]);
        assert_eq!(chosen(&binary(Binary::In, Expr::Property(Property::Error), kinds)), (false, true));
        let range = |least: f64, most: f64| binary(Binary::Range, Expr::Number(least), Expr::Number(most));
        let status_in = |range| binary(Binary::In, Expr::Property(Property::Status), range);
        assert_eq!(chosen(&status_in(range(200.0, 299.0))), (true, false));
        assert_eq!(chosen(&status_in(range(201.0, 299.0))), (false, false));
        assert_eq!(chosen(&status_in(range(100.0, 200.0))), (true, false), "both ends belong to it");
        let text = Expr::Text(vec![Piece::Literal("time".into())]);
        let error = |operator| binary(operator, Expr::Property(Property::Error), text.clone());
        assert_eq!(chosen(&error(Binary::StartsWith)), (false, true));
        assert_eq!(chosen(&error(Binary::Contains)), (false, true));
        assert_eq!(chosen(&error(Binary::EndsWith)), (false, false));
        let again = binary(Binary::Greater, Expr::Property(Property::Attempt), Expr::Number(1.0));
        let slow = binary(Binary::Greater, Expr::Property(Property::Latency), Expr::Number(300.0));
        assert_eq!(chosen(&binary(Binary::Or, again.clone(), slow.clone())), (true, true));
        assert_eq!(chosen(&binary(Binary::And, again, slow)), (false, false));
        assert_eq!((fine.sent(), late.sent()), (105, 5));
    }
}
