"""How a page looks: styles, layouts, grids, fonts and their mixes."""
