//! How much of a span may go into its document.

/// Bounds on the parts of a document that a span can make arbitrarily large. Fields with a documented limit keep to it
/// whatever the budget.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Characters of any one text.
    pub(super) text_chars: usize,
    /// Exceptions under `cause`.
    pub(super) exceptions: usize,
    /// Frames of one exception.
    pub(super) frames: usize,
    /// Annotations.
    pub(super) annotations: usize,
    /// Entries of metadata, and items of any list or map in them.
    pub(super) entries: usize,
    /// Whether the resource's metadata is repeated in the document.
    pub(super) resource_metadata: bool,
}

impl Budget {
    /// Everything.
    pub(crate) const WHOLE: Self = Self {
        text_chars: usize::MAX,
        exceptions: usize::MAX,
        frames: 100,
        annotations: 50,
        entries: usize::MAX,
        resource_metadata: true,
    };

    /// Less and less: a span whose document is too large is translated again with the next budget, until it fits. What the last
    /// one lets through fits into the smallest datagram, unless most fields are full of text with several bytes a character.
    pub(crate) const SMALLER: [Self; 5] = [
        Self {
            text_chars: 8_192,
            exceptions: 64,
            frames: 50,
            annotations: 50,
            entries: 512,
            resource_metadata: true,
        },
        Self {
            text_chars: 1_024,
            exceptions: 32,
            frames: 30,
            annotations: 50,
            entries: 128,
            resource_metadata: true,
        },
        Self {
            text_chars: 256,
            exceptions: 16,
            frames: 15,
            annotations: 50,
            entries: 64,
            resource_metadata: true,
        },
        Self {
            text_chars: 128,
            exceptions: 8,
            frames: 8,
            annotations: 25,
            entries: 16,
            resource_metadata: false,
        },
        Self {
            text_chars: 64,
            exceptions: 1,
            frames: 0,
            annotations: 2,
            entries: 2,
            resource_metadata: false,
        },
    ];

    /// The same without the resource's metadata, which goes before any more of the span's own; `None` if it has gone already.
    pub(crate) fn without_resource_metadata(self) -> Option<Self> {
        self.resource_metadata.then_some(Self { resource_metadata: false, ..self })
    }
}
