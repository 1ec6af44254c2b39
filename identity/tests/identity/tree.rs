//! A certificate as a tree of elements, to be spoiled anywhere and written out again. Shares no code with the reader.

/// One element. What an extension's OCTET STRING holds is part of the tree.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) tag: u8,
    pub(crate) octets: Vec<u8>,
    pub(crate) nodes: Vec<Node>,
    /// Whether the length is written with an octet more than it needs.
    pub(crate) long_length: bool,
}

impl Node {
    /// The whole input as one element.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (node, rest) = Self::read_first(der)?;
        rest.is_empty().then_some(node)
    }

    fn read_first(der: &[u8]) -> Option<(Self, &[u8])> {
        let (&tag, after) = der.split_first()?;
        let (&first, after) = after.split_first()?;
        let octets_of_length = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let (long, after) = after.split_at_checked(octets_of_length)?;
        let length = match first {
            0..0x80 => usize::from(first),
            0x80 => return None,
            _ => long.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)),
        };
        let (content, rest) = after.split_at_checked(length)?;
        let nodes = if tag & 0x20 != 0 || tag == 0x04 { Self::read_all(content).unwrap_or_default() } else { vec![] };
        let octets = if nodes.is_empty() { content.to_vec() } else { vec![] };
        Some((Self { tag, octets, nodes, long_length: false }, rest))
    }

    fn read_all(mut content: &[u8]) -> Option<Vec<Self>> {
        let mut nodes = Vec::new();
        while !content.is_empty() {
            let (node, rest) = Self::read_first(content)?;
            nodes.push(node);
            content = rest;
        }
        Some(nodes)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let content =
            if self.nodes.is_empty() { self.octets.clone() } else { self.nodes.iter().flat_map(Self::write).collect() };
        let length = content.len();
        let mut head = match (length, self.long_length) {
            (0..0x80, false) => vec![self.tag, length as u8],
            (0..0x80, true) | (0x80..0x100, false) => vec![self.tag, 0x81, length as u8],
            (_, false) | (0x80..0x100, true) => vec![self.tag, 0x82, (length >> 8) as u8, length as u8],
            (_, true) => vec![self.tag, 0x83, 0, (length >> 8) as u8, length as u8],
        };
        head.extend(content);
        head
    }

    /// Where every element is: the numbers of the children to follow.
    pub(crate) fn paths(&self) -> Vec<Vec<usize>> {
        let below = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(index, node)| node.paths().into_iter().map(move |path| [vec![index], path].concat()));
        [vec![]].into_iter().chain(below).collect()
    }

    pub(crate) fn at(&mut self, path: &[usize]) -> &mut Self {
        path.iter().fold(self, |node, index| &mut node.nodes[*index])
    }

    /// The tree, changed in one place.
    pub(crate) fn with(&self, path: &[usize], change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(changed.at(path));
        changed
    }
}
