"""The door to Salesforce."""
