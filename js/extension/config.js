// What FrameRing.auto() does in every page; see js/README.md. Change it here.
globalThis.__FRAME_RING__ ??= { auto: true };
