//! What was written of loads and shapes: their stages, and templates of faults.

use super::*;

#[derive(Debug, Clone)]
pub struct Load {
    pub name: Name,
    pub doc: Option<String>,
    pub of: LoadOf,
    pub at: Option<Expr>,
    pub options: Vec<Entry>,
    pub stages: Vec<Stage>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum LoadOf {
    One(Expr),
    Mix(Vec<MixPart>),
}

/// `80% browse as readers`
#[derive(Debug, Clone)]
pub struct MixPart {
    pub weight: Expr,
    pub flow: Expr,
    pub name: Option<Name>,
}

/// `fault gone(container: Text) = command(…)`: what breaks, without when.
#[derive(Debug, Clone)]
pub struct FaultTemplate {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Vec<Parameter>,
    pub action: Expr,
}

#[derive(Debug, Clone)]
pub struct Shape {
    pub name: Name,
    pub doc: Option<String>,
    pub parameters: Option<Vec<Parameter>>,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub kind: StageKind,
    pub name: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StageKind {
    Warmup {
        level: Expr,
        length: Expr,
    },
    Hold {
        level: Expr,
        length: Expr,
    },
    Ramp {
        from: Expr,
        to: Expr,
        over: Expr,
    },
    Spike {
        level: Expr,
        length: Expr,
    },
    Steps {
        from: Expr,
        to: Expr,
        by: Expr,
        every: Expr,
    },
    Idle {
        length: Expr,
    },
    Sweep {
        levels: Expr,
        length: Expr,
        settle: Option<Expr>,
    },
    Search {
        range: Expr,
        length: Expr,
        condition: Expr,
    },
    Replay {
        data: Expr,
        speed: Option<Expr>,
    },
    Once {
        iterations: Expr,
        users: Expr,
        within: Expr,
    },
    Repeat {
        times: Expr,
        stages: Vec<Stage>,
    },
    Include(Include),
    /// As [`Item::Refused`]; the stage keeps its name.
    Refused,
}
