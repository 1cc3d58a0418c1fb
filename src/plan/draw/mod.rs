//! The timeline drawn for a reviewer: loads as their shapes over time, and on the same axis the faults, events and
//! alerts beneath. One picture, computed once; a page of text and an SVG show it.

mod compare;
mod page;
mod picture;
mod reach;
mod sparkline;
mod svg;
mod tables;
mod terminal;
mod words;

pub use compare::{Comparison, compare, page as changes};
pub use page::{BLOCKS, PageLayout, cut, flow};
pub use picture::{Picture, PictureRow, RowKind, Track, picture};
pub use reach::reach;
pub use sparkline::{scale, sparkline};
pub use svg::svg;
pub use terminal::draw;
pub use words::fault;
