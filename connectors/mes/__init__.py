"""The door to the MES."""
