//! An owned I420 picture to draw rectangles on.

/// A rectangle in luma pixels; `x` and `y` are even, so that chroma follows luma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rect {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Luma of black.
pub(super) const BLACK: u8 = 16;
/// Luma of white.
pub(super) const WHITE: u8 = 235;
/// Chroma of both.
pub(super) const NEUTRAL: u8 = 128;

/// One colour: Y, U, V.
pub(super) type Colour = [u8; 3];

/// Where a plane lies in the canvas.
#[derive(Debug, Clone, Copy)]
struct PlaneAt {
    start: usize,
    stride: usize,
}

/// A packed I420 picture.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    data: Vec<u8>,
    planes: [PlaneAt; 3],
}

impl Canvas {
    /// A black picture.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let (luma, chroma_width) = (width * height, width.div_ceil(2));
        let chroma = chroma_width * height.div_ceil(2);
        let mut data = vec![NEUTRAL; luma + 2 * chroma];
        data[..luma].fill(BLACK);
        let plane = |start, stride| PlaneAt { start, stride };
        let planes = [plane(0, width), plane(luma, chroma_width), plane(luma + chroma, chroma_width)];
        Self { data, planes }
    }

    /// All three planes, one after the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Fills a rectangle with one colour.
    pub(super) fn fill(&mut self, rect: Rect, colour: Colour) {
        for (plane, value) in colour.into_iter().enumerate() {
            self.each_row(plane, rect, |_, _, row| row.fill(value));
        }
    }

    /// Fills a rectangle with square cells of `side` pixels, white where `white(column, row)` says so, else black.
    pub(super) fn fill_cells(&mut self, rect: Rect, side: usize, white: impl Fn(usize, usize) -> bool) {
        for plane in 1..self.planes.len() {
            self.each_row(plane, rect, |_, _, row| row.fill(NEUTRAL));
        }
        let PlaneAt { start, stride } = self.planes[0];
        for row in 0..rect.height / side {
            // The first row of pixels is drawn, the others are copied from it: far fewer steps.
            let first = start + (rect.y + row * side) * stride + rect.x;
            let pixels = &mut self.data[first..first + rect.width];
            for (column, cell) in pixels.chunks_mut(side).enumerate() {
                cell.fill(if white(column, row) { WHITE } else { BLACK });
            }
            for below in 1..side {
                self.data.copy_within(first..first + rect.width, first + below * stride);
            }
        }
    }

    /// Fills a rectangle with the still background.
    pub(super) fn fill_background(&mut self, rect: Rect, background: &Background) {
        for (plane, ramp) in background.ramps.iter().enumerate() {
            self.each_row(plane, rect, |x, y, row| row.copy_from_slice(&ramp[x + y..][..row.len()]));
        }
    }

    /// Calls `with(column, row, samples)` for each row of the part of `plane` under `rect`.
    fn each_row(&mut self, plane: usize, rect: Rect, mut with: impl FnMut(usize, usize, &mut [u8])) {
        let halved = usize::from(plane > 0);
        let PlaneAt { start, stride } = self.planes[plane];
        let (left, right) = (rect.x >> halved, (rect.x + rect.width + halved) >> halved);
        let (top, bottom) = (rect.y >> halved, (rect.y + rect.height + halved) >> halved);
        for y in top..bottom {
            let at = start + y * stride + left;
            with(left, y, &mut self.data[at..at + right - left]);
        }
    }
}

/// A diagonal gradient. Each row is the one above moved by a pixel, so one ramp per plane makes them all, and
/// restoring a part of the picture reads from memory that stays in the cache.
#[derive(Debug, Clone)]
pub(super) struct Background {
    ramps: [Vec<u8>; 3],
}

impl Background {
    /// The background of a canvas of this size in the colours of `participant`.
    pub(super) fn new(width: usize, height: usize, participant: u16) -> Self {
        let who = usize::from(participant);
        let (tint_u, tint_v) = (80 + who * 53 % 97, 80 + (who * 91 + 40) % 97);
        let ramp = |sample: &dyn Fn(usize) -> usize| (0..width + height).map(|at| sample(at) as u8).collect();
        let luma = ramp(&|at| 64 + (at + who * 31) / 2 % 128);
        Self { ramps: [luma, ramp(&|at| tint_u + at / 16 % 16), ramp(&|at| tint_v + at / 16 % 16)] }
    }
}
