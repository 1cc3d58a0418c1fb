//! What a browser fetches with a page of HTML: its stylesheets, scripts, images and icon.

use super::Unusable;
use super::html::Page;
use crate::base::origin::Origin;
use crate::wire::room::Room;
use scraper::{Element, ElementRef};
use serde_json::Value as Json;
use std::collections::HashSet;
use url::Url;

/// JavaScript, as the HTML standard counts it; any other type is data for the scripts.
const SCRIPTS: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// Whole URLs in the order of the page, each once and without its fragment: those of the page's own origin and of `others`.
pub fn assets(
    page: &Page,
    at: &Url,
    others: &[Url],
    room: &Room,
    late: &dyn Fn() -> bool,
) -> Result<Vec<Json>, Unusable> {
    let origins: Vec<url::Origin> = [at].into_iter().chain(others).map(Url::origin).collect();
    let (mut base, mut has_icon) = (None::<Url>, false);
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    page.walk(late, &mut |element| {
        if !element.is_html_element_in_html_document() {
            return Ok(true);
        }
        match element.value().name() {
            // What is in it is there once a script has put it elsewhere.
            "template" => return Ok(false),
            "base" if base.is_none() => base = element.attr("href").and_then(|href| at.join(href).ok()),
            _ => {}
        }
        let url = fetched(element, &mut has_icon).and_then(|own| base.as_ref().unwrap_or(at).join(own).ok());
        let Some(mut url) = url.filter(|url| Origin::is_meant(url.as_str())) else { return Ok(true) };
        url.set_fragment(None);
        if origins.contains(&url.origin()) && !seen.contains(url.as_str()) {
            // Kept twice: in the list, and to know it again.
            room.take(2 * (url.as_str().len() + size_of::<Json>()))?;
            seen.insert(url.as_str().to_owned());
            found.push(Json::String(url.into()));
        }
        Ok(true)
    })?;
    Ok(found)
}

/// The reference to what a browser fetches for an element, if anything.
fn fetched<'p>(element: ElementRef<'p>, has_icon: &mut bool) -> Option<&'p str> {
    let attribute = |name: &str| element.attr(name).map(str::trim).filter(|value| !value.is_empty());
    let has = |name: &str, word: &str| {
        element.attr(name).is_some_and(|value| value.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(word)))
    };
    match element.value().name() {
        "link" => {
            let style = has("rel", "stylesheet") && !has("rel", "alternate") && element.attr("disabled").is_none();
            // Pages offer icons in several sizes, and a browser takes one.
            let icon = has("rel", "icon") && !std::mem::replace(has_icon, true);
            let early = has("rel", "preload") || has("rel", "modulepreload");
            (style || icon || early).then(|| attribute("href")).flatten()
        }
        "script" => {
            let kind = element.attr("type").map(str::trim).unwrap_or_default();
            let runs = ["", "module"].iter().chain(&SCRIPTS).any(|known| kind.eq_ignore_ascii_case(known));
            (runs && element.attr("nomodule").is_none()).then(|| attribute("src")).flatten()
        }
        // One that is lazy is fetched once somebody has scrolled to it.
        "img" if has("loading", "lazy") => None,
        "img" => attribute("src").or_else(|| first_of(element.attr("srcset")?)),
        _ => None,
    }
}

/// The first image of a `srcset`.
fn first_of(candidates: &str) -> Option<&str> {
    let first = candidates.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
    let url = first.split_ascii_whitespace().next()?.trim_end_matches(',');
    (!url.is_empty()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str, others: &[&str]) -> Vec<String> {
        let page = Page::parse(html, &|| false).unwrap();
        let at = Url::parse("http://shop.test:8080/en/cart?x=1").unwrap();
        let others: Vec<Url> = others.iter().map(|other| Url::parse(other).unwrap()).collect();
        let found = assets(&page, &at, &others, &Room::default(), &|| false).unwrap();
        found.iter().map(|url| url.as_str().unwrap().replace("http://shop.test:8080", "")).collect()
    }

    #[test]
    fn what_a_browser_fetches_is_found_once_each() {
        for (html, urls) in [
            ("<link rel=stylesheet href=a.css><link rel='StyleSheet x' href='/en/a.css#part'>", &["/en/a.css"][..]),
            ("<link rel='alternate stylesheet' href=dark.css><link rel=stylesheet disabled href=old.css>", &[]),
            ("<link rel='shortcut icon' href=/i.ico><link rel=icon href=/i-2.png>", &["/i.ico"]),
            ("<link rel=preload href=f.woff2><link rel=modulepreload href=m.js>", &["/en/f.woff2", "/en/m.js"]),
            ("<link rel=preload href=/a.js><script src=/a.js></script>", &["/a.js"]),
            ("<link rel=next href=/2><link rel=preconnect href=/><link href=/x.css><link rel=stylesheet>", &[]),
            ("<link rel=stylesheet href=''><img src=' '><script src></script>", &[]),
            ("<script src='../a.js?v=2&amp;w=3'></script>", &["/a.js?v=2&w=3"]),
            ("<script type=module src=m.js></script><script nomodule src=old.js></script>", &["/en/m.js"]),
            (
                "<script type='Text/JavaScript' src=t.js></script><script type=text/x-tmpl src=no></script>",
                &["/en/t.js"],
            ),
            ("<script>fetch('/api')</script><script type=importmap src=no></script>", &[]),
            (
                "<img src='a b.png'><img srcset=', c.png 1x, d.png 2x'><img src=e.png srcset='f.png 2x'>",
                &["/en/a%20b.png", "/en/c.png", "/en/e.png"],
            ),
            ("<img src=late.png loading=LAZY><img src='data:image/png;base64,xx'><img src='blob:x'>", &[]),
            ("<picture><source srcset=s.webp><img src=s.png></picture><video src=v.mp4></video>", &["/en/s.png"]),
            (
                "<template><img src=no.png><template></template><img src=no2.png></template><img src=y.png>",
                &["/en/y.png"],
            ),
            ("<!-- <img src=no.png> --><noscript><img src=no.png></noscript><textarea><img src=no></textarea>", &[]),
            ("<base href=/assets/><base href=/no/><img src=a.png>", &["/assets/a.png"]),
            ("<img src=early.png><base target=_top><base href='/x/'><img src=b.png>", &["/en/early.png", "/x/b.png"]),
            ("<svg><script href=/no.js></script><image href=/no.png></image></svg>", &[]),
            (
                "<table><img src=1.png><tr><td><img src=2.png></table><img src=3.png>",
                &["/en/1.png", "/en/2.png", "/en/3.png"],
            ),
            ("", &[]),
            ("{\"html\": false}", &[]),
        ] {
            assert_eq!(found(html, &[]), urls, "{html}");
        }
    }

    #[test]
    fn other_origins_are_left_out_unless_they_are_named() {
        const HTML: &str = "<img src=//cdn.test/1.png><img src=https://cdn.test/2.png><img src=http://shop.test/3.png>\
            <img src=http://shop.test:8080/4.png><img src=ftp://cdn.test/5><img src='http://[x'><img src=/6.png>";
        assert_eq!(found(HTML, &[]), ["/4.png", "/6.png"]);
        let all = ["http://cdn.test/2.png", "/4.png", "/6.png"].map(|url| url.replace("http://cdn", "https://cdn"));
        assert_eq!(found(HTML, &["https://cdn.test/any/path"]), all, "a scheme and a port are parts of an origin");
        assert_eq!(
            found(HTML, &["http://cdn.test", "http://shop.test"]),
            ["http://cdn.test/1.png", "http://shop.test/3.png", "/4.png", "/6.png"]
        );
        assert_eq!(
            found("<base href=http://evil.test/><img src=a.png><img src=http://shop.test:8080/b.png>", &[]),
            ["/b.png"]
        );
    }

    /// Short references become long by the address that they are resolved against.
    #[test]
    fn a_page_cannot_make_more_than_there_is_room_for() {
        let images: String = (0..20_000).map(|number| format!("<img src={number}>")).collect();
        let html = format!("<base href='/{}/'>{images}", "x".repeat(60_000));
        let page = Page::parse(&html, &|| false).unwrap();
        let at = Url::parse("http://shop.test").unwrap();
        let refused = assets(&page, &at, &[], &Room::default(), &|| false).unwrap_err();
        assert_eq!(refused, Unusable::TooLarge(crate::wire::room::TOO_MUCH));
        assert_eq!(assets(&page, &at, &[], &Room::default(), &|| true).unwrap_err(), Unusable::Late);
    }
}
