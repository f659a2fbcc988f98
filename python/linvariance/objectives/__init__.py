"""What a loss makes of the data: squared losses on second moments, empirical losses on samples."""
