"""Defines the classes of the pixels of a page and of its pictures.

From top to bottom:

- Anything that hides the page is background: opaque things, pens and stamps, the dark modules of a QR code; so are the
  surroundings of the paper.
- Wave: the trace covers at least half of the pixel.
- All other ink that covers at least half of the pixel is background: calibration pulses, separators, lead names, header
  and footer. Where it crosses the trace, both have the same ink and the trace is still visible: wave.
- Below ink is the paper: an intersection where a horizontal and a vertical 5-mm line cross, otherwise the line,
  otherwise background. 1-mm lines have no class. Lines are horizontal or vertical as printed, however the paper lies.
"""

BACKGROUND, HORIZONTAL, VERTICAL, INTERSECTION, WAVE = range(5)

# Half coverage, the common threshold of image and mask, as a share of a pixel and in 255ths.
HALF_COVERED = 0.5
HALF_COVERED_255 = 128

# Width of a line in the mask, for any printed width: 3 px at 200 dpi.
CLASS_LINE_MM = 0.38
