"""What a pixel of a page or of a picture of one is called: the one place that says so.

From top to bottom:

- What hides the page is background: opaque things, pens and stamps, the dark modules of a QR code; so is what is no
  paper.
- Wave is where the trace covers at least half of the pixel.
- All other ink that covers at least half of the pixel is background: calibration pulses, separators, lead names, header
  and footer. Where it crosses the trace, both are one ink and the trace is still to be seen: wave.
- Below ink lies the paper: where a horizontal and a vertical 5-mm line cross an intersection, else the line, else
  background. 1-mm lines have no class. Lines are horizontal or vertical as printed, however the paper lies.
"""

BACKGROUND, HORIZONTAL, VERTICAL, INTERSECTION, WAVE = range(5)

# Covered by half: the one threshold of image and mask, for shares of a pixel and for shares in 255ths.
HALF_COVERED = 0.5
HALF_COVERED_255 = 128

# A class line is this wide, whatever the printed line's width: 3 px at 200 dpi.
CLASS_LINE_MM = 0.38
