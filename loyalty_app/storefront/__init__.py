"""What the widget asks, through the app proxy: JSON for one visitor of one shop."""
