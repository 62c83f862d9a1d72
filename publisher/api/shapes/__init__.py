"""The contract's objects, one file per subject, mapped to the keywords of the actions and back."""
