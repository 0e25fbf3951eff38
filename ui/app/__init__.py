"""The dashboard as a whole: shell, navigation, routes, style, and what all sessions share."""
