"""The door to Kingdee K3 Cloud."""
