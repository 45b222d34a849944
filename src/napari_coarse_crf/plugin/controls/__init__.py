"""What a person turns and presses in the dock."""
