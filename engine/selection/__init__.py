"""Choosing what a catalogue is trained with, on validation targets that no report uses."""
