"""The simulated ERP: Kingdee K3 Cloud's WebAPI dialect on loopback."""
