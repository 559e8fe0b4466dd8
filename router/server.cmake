# The process. Everything but main is a library, so that tests can link pieces of it.
add_library(router STATIC
    check_client.c
    checkpointer.c
    clock.c
    config_job.c
    conversation.c
    delivery.c
    dispatch.c
    engine_host.c
    engine_host_start.c
    fact_codec.c
    listener.c
    log.c
    reads.c
    recovery.c
    server.c
    session.c
    settings_codec.c
    update.c
    view.c
    workspace.c)
target_link_libraries(router PUBLIC proto queue config classify journal PkgConfig::UV PRIVATE project_flags)
target_include_directories(router PUBLIC ${CMAKE_SOURCE_DIR})

add_executable(switchboard-server main.c)
target_link_libraries(switchboard-server PRIVATE project_flags router)
