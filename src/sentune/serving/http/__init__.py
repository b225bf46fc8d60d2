"""What clients say and get: the gate, the bodies, and the routes of each kind of client."""
