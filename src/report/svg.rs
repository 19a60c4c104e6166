//! Pictures as text: a small writer for SVG that no name or tag can break out of.

use std::fmt::Write as _;

/// An SVG being written. Coordinates are rounded to a tenth, which keeps pictures small.
pub struct Svg {
    text: String,
}

impl Svg {
    /// Begins a picture with a title and a description for those who cannot see it. `style` is
    /// CSS of ours; everything else may be any text.
    pub fn new(width: f64, height: f64, title: &str, description: &str, style: &str) -> Svg {
        let mut svg = Svg { text: String::new() };
        svg.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n"
        ));
        svg.put(format_args!("<title id=\"t\">{}</title>\n", escaped(title)));
        svg.put(format_args!("<desc id=\"d\">{}</desc>\n", escaped(description)));
        svg.put(format_args!("<style>{style}</style>\n"));
        svg
    }

    /// Begins a picture inside a page. The page brings the style; `id` tells the picture from the
    /// page's others.
    pub fn inline(id: &str, width: f64, height: f64, title: &str, description: &str) -> Svg {
        let mut svg = Svg { text: String::new() };
        let (title, description) = (escaped(title), escaped(description));
        svg.put(format_args!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\">\n<title id=\"{id}-t\">{title}</title>\n\
             <desc id=\"{id}-d\">{description}</desc>\n"
        ));
        svg
    }

    /// A rectangle of a class of the style.
    pub fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"/>\n"
        ));
    }

    /// A rectangle that says what it is when it is pointed at.
    pub fn named_rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], name: &str) {
        let name = escaped(name);
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>{name}</title></rect>\n"
        ));
    }

    /// Text at a point; the class says how it is set and on which side of the point.
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.put(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n"));
    }

    /// Upright strokes, each from one height to another.
    pub fn strokes(&mut self, class: &str, strokes: impl Iterator<Item = (f64, f64, f64)>) {
        self.path(class, |out| {
            for (x, from, to) in strokes {
                let _ = write!(out, "M{x:.1} {from:.1}V{to:.1}");
            }
        });
    }

    /// A line through points.
    pub fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        self.path(class, |out| {
            for (i, (x, y)) in points.enumerate() {
                let _ = write!(out, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
            }
        });
    }

    fn path(&mut self, class: &str, draw: impl FnOnce(&mut String)) {
        self.put(format_args!("<path class=\"{class}\" d=\""));
        let before = self.text.len();
        draw(&mut self.text);
        if self.text.len() == before {
            // An empty path is no error, but says nothing.
            self.text.push_str("M0 0");
        }
        self.text.push_str("\"/>\n");
    }

    /// Ends the picture.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(text);
    }
}

/// Text as XML shows it: no mark-up, and no character that XML forbids.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</title><script>alert('1')</script>&\"\0\u{1b}\u{ffff}]]>";
        let text = escaped(hostile);
        assert!(!text.contains(['<', '>', '"', '\'', '\0', '\u{1b}', '\u{ffff}']), "{text}");
        assert!(text.starts_with("&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)"));
        let mut svg = Svg::new(10.0, 10.0, hostile, hostile, "");
        svg.text("c", 1.0, 2.0, hostile);
        let picture = svg.finish();
        assert!(!picture.contains("<script") && !picture.contains("]]>"));
        assert_eq!(picture.matches("</title>").count(), 1);
    }

    #[test]
    fn shapes_are_written_to_a_tenth() {
        let mut svg = Svg::new(100.0, 50.0, "t", "d", ".a{}");
        svg.strokes("a", [(1.04, 2.0, 3.0), (2.0, 4.06, 5.0)].into_iter());
        svg.line("a", [(0.0, 1.0), (2.0, 3.0)].into_iter());
        svg.line("a", std::iter::empty());
        let picture = svg.finish();
        assert!(picture.contains("d=\"M1.0 2.0V3.0M2.0 4.1V5.0\""), "{picture}");
        assert!(picture.contains("d=\"M0.0 1.0L2.0 3.0\""));
        assert!(picture.contains("d=\"M0 0\""));
    }
}
