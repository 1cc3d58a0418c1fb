//! URL references: which target of the scenario one leads to, and what is asked of it (RFC 3986, 5). Links, paths that are values
//! and redirects are resolved here, so load goes only where somebody wrote it down.

use crate::base::origin::Origin;
use crate::base::shown::escaped_start;
use url::{Position, Url};

/// Characters of a reference that are shown.
const SHOWN: usize = 200;

/// The address of a target as a URL.
#[derive(Debug, Clone)]
pub struct Root {
    pub url: Url,
    /// Whether its host can be named elsewhere. That of a Unix socket cannot: its `localhost` is whatever answers there.
    pub is_named: bool,
}

/// The addresses of targets, none of those that do not speak HTTP.
pub type Roots<'r> = &'r [Option<Root>];

/// A target, and the path and query that are asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub target: usize,
    pub asked: String,
}

/// Where a path leads that is a value of a step to a target: a whole URL, or a reference from `/` or `?`. Else why it is none.
pub fn of_step(roots: Roots<'_>, from: usize, text: &str) -> Result<Resource, String> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Err("its path is an empty text".to_owned());
    }
    if text.contains(char::is_control) {
        return Err(format!("the path `{}` has a control character in it", shown(text)));
    }
    if !Origin::is_meant(text) && !text.starts_with(['/', '?']) {
        return Err(format!(
            "the path `{}` is no http:// or https:// URL and starts with neither `/` nor `?`; \
             `page.url(…)` resolves a link of the answer `page`",
            shown(text)
        ));
    }
    resolve(roots, (from, root(roots, from)), text)
}

/// Where a redirect leads, from what was asked of a target.
pub fn of_redirect(roots: Roots<'_>, from: usize, asked: &str, location: &str) -> Result<Resource, String> {
    resolve(roots, (from, root(roots, from).and_then(|root| url(&root, asked))), location)
}

/// What a request asks of a target, as a URL.
pub fn url(root: &Url, asked: &str) -> Option<Url> {
    Url::parse(&format!("{}{asked}", &root[..Position::BeforePath])).ok()
}

fn root(roots: Roots<'_>, target: usize) -> Option<Url> {
    roots.get(target)?.as_ref().map(|root| root.url.clone())
}

fn resolve(roots: Roots<'_>, (from, base): (usize, Option<Url>), text: &str) -> Result<Resource, String> {
    let to = base.and_then(|base| base.join(text).ok());
    let to = to.ok_or_else(|| format!("`{}` is no URL", shown(text)))?;
    let origin = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    let is_there = |root: &Option<Root>| root.as_ref().is_some_and(|root| origin(&root.url) == origin(&to));
    let is_meant = |root: &Option<Root>| is_there(root) && root.as_ref().is_some_and(|root| root.is_named);
    let here = roots.get(from).is_some_and(is_there).then_some(from);
    match here.or_else(|| roots.iter().position(is_meant)) {
        Some(target) => Ok(Resource { target, asked: to[Position::BeforePath..Position::AfterQuery].to_owned() }),
        None => {
            let address = to.origin().ascii_serialization();
            let address = if to.has_host() { address } else { to.into() };
            Err(format!("it leads to `{}`, which is no target of the scenario", shown(&address)))
        }
    }
}

fn shown(text: &str) -> String {
    escaped_start(text, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Vec<Option<Root>> {
        let of = |text: &str| Url::parse(text).ok().map(|url| Root { url, is_named: true });
        vec![
            of("http://one.test:8080/api/v2"),
            of("http://two.test"),
            None,
            of("https://two.test"),
            of("http://[::1]:9000"),
        ]
    }

    #[test]
    fn what_a_value_leads_to() {
        for (text, target, asked) in [
            ("/x", 0, "/x"),
            ("/items?id=1&x=2", 0, "/items?id=1&x=2"),
            ("?page=2&cursor=a%3D%3D", 0, "/api/v2?page=2&cursor=a%3D%3D"),
            ("/a b/\u{fc}?q=\u{e9} c", 0, "/a%20b/%C3%BC?q=%C3%A9%20c"),
            ("/%41%2f?x=%2B+y", 0, "/%41%2f?x=%2B+y"),
            (" /x ", 0, "/x"),
            ("/x?y#part", 0, "/x?y"),
            ("//two.test/x", 1, "/x"),
            ("HTTP://TWO.test:80", 1, "/"),
            ("https://two.test/x?y", 3, "/x?y"),
            ("http://user:secret@two.test/", 1, "/"),
            ("http://[0:0::1]:9000/", 4, "/"),
            ("http://one.test:8080/x", 0, "/x"),
        ] {
            assert_eq!(of_step(&roots(), 0, text), Ok(Resource { target, asked: asked.to_owned() }), "{text}");
        }
        assert_eq!(of_step(&roots(), 3, "//two.test/x").unwrap().target, 3, "in the scheme of its own target");
    }

    #[test]
    fn no_other_target_leads_to_a_unix_socket() {
        let local = |is_named: bool| Some(Root { url: Url::parse("http://localhost/api").unwrap(), is_named });
        let roots = [&[local(false), local(false)], &roots()[..]].concat();
        for own in [0, 1] {
            assert_eq!(of_redirect(&roots, own, "/a", "http://localhost/b").unwrap().target, own);
        }
        assert!(of_redirect(&roots, 2, "/a", "http://localhost/b").is_err(), "nobody wrote down that host");
    }

    #[test]
    fn what_leads_nowhere_says_so() {
        for (text, why) in [
            ("", "its path is an empty text"),
            ("  ", "its path is an empty text"),
            ("../x", "the path `../x` is no http:// or https:// URL"),
            ("x", "the path `x` is no"),
            ("#part", "the path `#part` is no"),
            ("http:x", "the path `http:x` is no"),
            ("mailto:a@b", "the path `mailto:a@b` is no"),
            ("/x\r\nX: y", "the path `/x\\r\\nX: y` has a control character"),
            ("/x\ty", "the path `/x\\ty` has a control"),
            ("/\u{7f}", "the path `/\\u{7f}` has a control"),
            ("http://one.test/x", "it leads to `http://one.test`, which is no target of the scenario"),
            ("//three.test:81/x", "it leads to `http://three.test:81`, which is no target"),
            ("/\\three.test/x", "it leads to `http://three.test`, which is no target"),
            ("https://one.test:8080/", "it leads to `https://one.test:8080`, which is no target"),
            ("http://", "`http://` is no URL"),
            ("http://a b/", "`http://a b/` is no URL"),
        ] {
            let found = of_step(&roots(), 0, text).unwrap_err();
            assert!(found.starts_with(why), "{text}: {found}");
        }
        assert!(of_step(&roots(), 0, &format!("x{}", "y".repeat(1000))).unwrap_err().contains("yy…` is no"));
    }

    #[test]
    fn what_was_asked_is_a_url() {
        let root = || Url::parse("http://one.test:8080/api/v2").unwrap();
        assert_eq!(url(&root(), "//two.test/x?y").unwrap().as_str(), "http://one.test:8080//two.test/x?y");
        assert_eq!(of_redirect(&roots(), 0, "/a/b?c", "../d#e").unwrap().asked, "/d");
        let gone = of_redirect(&roots(), 0, "/a", "ftp://two.test/").unwrap_err();
        assert_eq!(gone, "it leads to `ftp://two.test`, which is no target of the scenario");
    }
}
