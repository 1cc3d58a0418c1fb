//! Bodies of requests as they are evaluated.

use crate::engine::value::code::{Code, Piece, values};
use crate::engine::value::lower::Lowerer;
use crate::plan;

pub enum Body {
    Json(Code),
    Form(Vec<(String, Code)>),
    Text(Vec<Piece>),
    File(Upload),
    /// Parts by name; names may repeat.
    Multipart(Vec<(String, Content)>),
}

pub enum Content {
    Value(Code),
    File(Upload),
}

/// A file as it is sent: with a type, and with a name where it is one of several parts.
pub struct Upload {
    pub file: usize,
    pub kind: Vec<Piece>,
    pub name: Vec<Piece>,
}

impl Body {
    /// The files that it sends.
    pub fn files(&self) -> impl Iterator<Item = usize> {
        let (whole, parts) = match self {
            Body::File(upload) => (Some(upload.file), &[][..]),
            Body::Multipart(parts) => (None, parts.as_slice()),
            Body::Json(_) | Body::Form(_) | Body::Text(_) => (None, &[][..]),
        };
        let of_part = |(_, content): &(String, Content)| match content {
            Content::File(upload) => Some(upload.file),
            Content::Value(_) => None,
        };
        whole.into_iter().chain(parts.iter().filter_map(of_part))
    }

    pub fn of(body: &plan::Body, lowerer: &mut Lowerer<'_>) -> Body {
        match body {
            plan::Body::Json(value) => Body::Json(lowerer.expr(value)),
            plan::Body::Form(fields) => Body::Form(lowerer.fields(fields)),
            plan::Body::Text(pieces) => Body::Text(lowerer.text(pieces)),
            plan::Body::File(upload) => Body::File(Upload::of(upload, lowerer)),
            plan::Body::Multipart(parts) => {
                let part = |(name, content): &(String, plan::Content)| {
                    let content = match content {
                        plan::Content::Value(value) => Content::Value(lowerer.expr(value)),
                        plan::Content::File(upload) => Content::File(Upload::of(upload, lowerer)),
                    };
                    (name.clone(), content)
                };
                Body::Multipart(parts.iter().map(part).collect())
            }
        }
    }

    /// Its type, where that needs no boundary.
    pub fn kind(&self) -> Option<Vec<Piece>> {
        let name = match self {
            Body::Json(_) => "application/json",
            Body::Form(_) => "application/x-www-form-urlencoded",
            Body::Text(_) => "text/plain; charset=utf-8",
            Body::File(upload) => return Some(upload.kind.clone()),
            Body::Multipart(_) => return None,
        };
        Some(vec![Piece::Literal(name.to_owned())])
    }

    /// Every expression in it.
    pub fn exprs(&self) -> Vec<&Code> {
        match self {
            Body::Json(value) => vec![value],
            Body::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
            Body::Text(pieces) => values(pieces).collect(),
            Body::File(upload) => upload.exprs().collect(),
            Body::Multipart(parts) => parts.iter().flat_map(|(_, content)| content.exprs()).collect(),
        }
    }
}

impl Content {
    fn exprs(&self) -> Vec<&Code> {
        match self {
            Content::Value(value) => vec![value],
            Content::File(upload) => upload.exprs().collect(),
        }
    }
}

impl Upload {
    fn of(upload: &plan::Upload, lowerer: &mut Lowerer<'_>) -> Upload {
        Upload { file: upload.file, kind: lowerer.text(&upload.kind), name: lowerer.text(&upload.name) }
    }

    fn exprs(&self) -> impl Iterator<Item = &Code> {
        values(&self.kind).chain(values(&self.name))
    }
}
