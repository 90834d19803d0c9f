//! Pages of a list: as many items as the bounds allow, of those that the principal may see.

/// Bounds of a page. A page holds at least one item, however large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Items.
    pub count: usize,
    /// Bytes of the array.
    pub bytes: usize,
}

impl Default for PageLimits {
    /// Wide enough that a client which ignores `nextCursor` loses nothing on an ordinary fleet.
    fn default() -> Self {
        Self { count: 1000, bytes: 4 * 1024 * 1024 }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// The items, rendered JSON.
    pub items: Vec<&'a [u8]>,
    /// Bytes of the array that they make.
    pub bytes: usize,
    /// Index in the whole list of the first visible item that the page has no room for.
    pub next: Option<usize>,
}

impl Page<'_> {
    /// Writes the array to the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.bytes);
        out.push(b'[');
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(item);
        }
        out.push(b']');
    }
}

/// The page that begins at index `start` of `items` (each rendered JSON), leaving out what is not `visible`.
pub fn page<T: AsRef<[u8]>>(
    items: &[T],
    visible: impl Fn(usize) -> bool,
    start: usize,
    limits: PageLimits,
) -> Page<'_> {
    let mut chosen = Vec::new();
    let mut bytes = 2;
    let mut next = None;
    for (index, item) in items.iter().enumerate().skip(start).filter(|(index, _)| visible(*index)) {
        let item = item.as_ref();
        let full = chosen.len() >= limits.count || bytes + item.len() + 1 > limits.bytes;
        if full && !chosen.is_empty() {
            next = Some(index);
            break;
        }
        bytes += item.len() + 1;
        chosen.push(item);
    }
    Page { items: chosen, bytes, next }
}

#[cfg(test)]
mod tests;
