//! What every page must be, for tests.

/// Elements that have no end.
const VOID: [&str; 2] = ["meta", "!doctype"];

/// Fails where elements do not nest, an id is given twice or named but not there, or anything
/// could be fetched or run.
pub fn sound(page: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or_default().to_lowercase();
        ids.extend(values(tag, "id"));
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in {tag}");
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    let known = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), known, "an id is given twice");
    for named in values(page, "aria-labelledby").flat_map(|v| v.split(' ')) {
        assert!(ids.contains(&named), "no {named}");
    }
    for link in values(page, "href") {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link}");
    }
    for word in ["://", "url(", "@import", "<script", "<img", "<link", " src=", " on", "NaN", "inf"]
    {
        let inside_tags = page
            .split('<')
            .any(|p| p.split('>').next().is_some_and(|tag| format!("<{tag}").contains(word)));
        assert!(!inside_tags, "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// Values of an attribute.
fn values<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {name}=\"");
    let pieces: Vec<&str> = text.split(start.as_str()).skip(1).collect();
    pieces.into_iter().filter_map(|piece| piece.split('"').next())
}

#[test]
fn the_check_finds_what_is_wrong() {
    let good = "<p id=\"a\">default-src 'none'<a href=\"#a\">x</a></p>";
    sound(good);
    for (from, to) in [
        ("</a>", ""),
        ("</a></p>", "</p></a>"),
        ("#a", "#b"),
        ("#a", "https://a.b"),
        ("<p id=\"a\">", "<p id=\"a\" onclick=\"x\">"),
        ("'none'", "*"),
    ] {
        let bad = good.replace(from, to);
        assert!(std::panic::catch_unwind(|| sound(&bad)).is_err(), "{bad}");
    }
}
