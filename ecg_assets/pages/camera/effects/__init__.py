"""Non-geometric effects on a picture of a page: light, lenses, sensors, stains, pens, ink."""
