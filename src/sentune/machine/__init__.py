"""What the machine has, and what is set for the whole process.

hardware   which device and number format, and why
process    settings of the whole process: threads, malloc, the standard streams
threads    tasks in threads that wait for nobody
"""
