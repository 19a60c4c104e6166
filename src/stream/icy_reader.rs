//! Takes titles out of the sound again, as a player does.

/// Reads a stream with titles in between.
#[derive(Debug)]
pub struct IcyReader {
    every: Option<usize>,
    /// Bytes of sound until the next title.
    sound: usize,
    /// A text that is being read, and how many bytes of it are still to come.
    text: Vec<u8>,
    left: usize,
}

impl IcyReader {
    /// A reader of a stream with a title after every so many bytes of sound, or without any.
    pub fn new(every: Option<usize>) -> IcyReader {
        let every = every.filter(|every| *every > 0);
        IcyReader { every, sound: every.unwrap_or(0), text: Vec::new(), left: 0 }
    }

    /// Takes some bytes; gives the sound in them and the last title that was whole.
    pub fn take(&mut self, mut bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let Some(every) = self.every else { return (bytes.to_vec(), None) };
        let (mut sound, mut title) = (Vec::with_capacity(bytes.len()), None);
        while let Some((&first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let (text, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.text.extend_from_slice(text);
                self.left -= text.len();
                bytes = rest;
                if self.left == 0 {
                    title = title_of(&self.text).or(title);
                    self.text.clear();
                }
            } else if self.sound > 0 {
                let (part, rest) = bytes.split_at(self.sound.min(bytes.len()));
                sound.extend_from_slice(part);
                self.sound -= part.len();
                bytes = rest;
            } else {
                self.left = 16 * usize::from(first);
                self.sound = every;
                bytes = rest;
            }
        }
        (sound, title)
    }
}

fn title_of(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let after = text.split_once("StreamTitle='")?.1;
    Some(after.split_once("';")?.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_and_titles_are_told_apart_however_the_bytes_come() {
        let mut stream = vec![1u8; 100];
        stream.push(2);
        let mut text = b"StreamTitle='A - B';".to_vec();
        text.resize(32, 0);
        stream.extend(&text);
        stream.extend([3u8; 100]);
        stream.push(0);
        stream.extend([4u8; 50]);
        for piece in [1, 7, 100, 1_000] {
            let mut reader = IcyReader::new(Some(100));
            let (mut sound, mut titles) = (Vec::new(), Vec::new());
            for bytes in stream.chunks(piece) {
                let (more, title) = reader.take(bytes);
                sound.extend(more);
                titles.extend(title);
            }
            assert_eq!(sound, [vec![1u8; 100], vec![3; 100], vec![4; 50]].concat());
            assert_eq!(titles, ["A - B"]);
        }
        assert_eq!(IcyReader::new(None).take(&stream).0, stream);
    }
}
