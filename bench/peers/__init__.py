"""What ours is measured against: the same job, done as it usually is."""
