//! A statement, made ready once: its text and the values for its places.

use crate::engine::value::code::{Code, Piece};
use crate::engine::value::lower::Lowerer;
use crate::engine::value::{Frame, Paths, Unusable, Value, from_json};
use crate::plan::{self, Expr, Query};
use std::sync::Arc;

pub struct Request {
    pub text: Text,
    args: Args,
    /// Steps look into its rows.
    pub keep_rows: bool,
}

pub enum Text {
    Constant(Arc<str>),
    /// Made anew each time.
    Built(Vec<Piece>),
}

enum Args {
    Each(Vec<Code>),
    /// A list that the run makes.
    List(Code),
}

impl Request {
    pub fn of(query: &Query, keep_rows: bool, lowerer: &mut Lowerer<'_>) -> Request {
        let text = match query.text.as_slice() {
            [plan::Piece::Literal(text)] => Text::Constant(text.as_str().into()),
            pieces => Text::Built(lowerer.text(pieces)),
        };
        let args = match &query.args {
            None => Args::Each(Vec::new()),
            Some(Expr::List(items)) => Args::Each(items.iter().map(|item| lowerer.expr(item)).collect()),
            Some(list) => Args::List(lowerer.expr(list)),
        };
        Request { text, args, keep_rows }
    }

    pub fn text(&self, frame: &mut Frame, paths: &Paths) -> Result<Arc<str>, Unusable> {
        match &self.text {
            Text::Constant(text) => Ok(text.clone()),
            Text::Built(pieces) => {
                let mut text = String::new();
                frame.write(pieces, paths, &mut text)?;
                Ok(text.into())
            }
        }
    }

    /// The values for its places, each of what was there before.
    pub fn write(&self, frame: &mut Frame, paths: &Paths, args: &mut Vec<Value>) -> Result<(), Unusable> {
        args.clear();
        match &self.args {
            Args::Each(codes) => {
                for code in codes {
                    args.push(frame.eval(code, paths)?);
                }
            }
            Args::List(list) => match frame.eval(list, paths)? {
                Value::Json(list) => args.extend(list.as_array().ok_or(Unusable::Missing)?.iter().map(from_json)),
                _ => return Err(Unusable::Missing),
            },
        }
        // A row is no value.
        match args.iter().any(|arg| matches!(arg, Value::Row(..))) {
            true => Err(Unusable::Missing),
            false => Ok(()),
        }
    }
}
