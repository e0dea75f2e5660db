"""What a comparison writes for people and for CI."""
