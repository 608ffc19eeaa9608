"""Amazon Web Services, through boto3 (the extra `aws`)."""
