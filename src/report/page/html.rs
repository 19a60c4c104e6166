//! Mark-up that no name or tag can break out of: every text goes through [`escaped`].

use std::fmt::Write as _;

use super::style::STYLE;
use crate::report::svg::escaped;

/// Nothing may be loaded, sent or run; only the style inside the page counts.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page. `body` is mark-up, the title any text.
pub fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Pairs of a name and what there is to say; empty ones are left out.
pub fn facts(pairs: &[(&str, String)]) -> String {
    let mut out = String::from("<dl class=\"facts\">\n");
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        put(&mut out, format_args!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)));
    }
    out + "</dl>\n"
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// Of words.
    Words(&'static str),
    /// Of numbers, set flush right.
    Number(&'static str),
}

impl Column {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Column::Words(name) => (name, ""),
            Column::Number(name) => (name, " class=\"n\""),
        }
    }
}

/// A table that is read out row by row: the first cell of a row names it. Cells are any text.
pub fn table(caption: &str, columns: &[Column], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = format!("<table>\n<caption>{}</caption>\n<thead><tr>", escaped(caption));
    for column in columns {
        let (name, class) = column.parts();
        put(&mut out, format_args!("<th scope=\"col\"{class}>{name}</th>"));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (i, (cell, column)) in row.iter().zip(columns).enumerate() {
            let (cell, class) = (escaped(cell), column.parts().1);
            match i {
                0 => put(&mut out, format_args!("<th scope=\"row\"{class}>{cell}</th>")),
                _ => put(&mut out, format_args!("<td{class}>{cell}</td>")),
            }
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody>\n</table>\n"
}

/// Something wide, a picture or a table, that is moved sideways where the screen is narrow; the
/// keyboard can do so too.
pub fn figure(label: &str, inner: &str) -> String {
    let label = escaped(label);
    format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\n{inner}</div>\n"
    )
}

/// A paragraph of any text.
pub fn words(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// A list of any texts.
pub fn list(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|t| format!("<li>{}</li>\n", escaped(t))).collect();
    format!("<ul>\n{items}</ul>\n")
}

/// A short note in a line of others.
pub fn badge(text: &str) -> String {
    format!("<span class=\"badge\">{}</span>", escaped(text))
}

/// `3 songs`, `1 song`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A number with its sign and one digit, nothing being neither more nor less.
pub fn signed(x: f64) -> String {
    let text = format!("{x:+.1}");
    match text.as_str() {
        "-0.0" | "+0.0" => "\u{b1}0.0".to_string(),
        _ => text.replace('-', "\u{2212}"),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
