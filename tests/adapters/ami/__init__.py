"""Tests of the AMI adapter."""
