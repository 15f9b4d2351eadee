"""What happens to a picture of a page besides geometry: light, lenses, sensors, stains, pens, ink."""
