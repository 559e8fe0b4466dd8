# The journal: the facts of workspaces, durable. Needs nothing of the router but the moments at which tests let it die.
add_library(journal STATIC
    crash_point.c
    journal.c
    journal_file.c
    journal_file_crc32c.c
    journal_file_directory.c
    journal_file_format.c
    journal_file_port.c
    journal_file_reader.c
    journal_file_recovery.c
    journal_file_replay.c
    journal_file_writer.c
    journal_memory.c)
target_link_libraries(journal PUBLIC project_flags PkgConfig::UV Threads::Threads)
