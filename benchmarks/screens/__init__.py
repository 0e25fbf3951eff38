"""What people see, measured: each module is a part with figures of its own."""
