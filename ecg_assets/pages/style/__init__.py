"""The look of pages: styles, layouts, grids, fonts and their mixes."""
