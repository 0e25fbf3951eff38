"""What whoever runs the dashboard needs: its log, its health, its figures, and how it starts and stops."""
