"""The benchmark (`make bench`): CaseNet and its floors side by side in one run; see README.md."""
