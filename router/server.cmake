# The process. Everything but main is a library, so that tests can link pieces of it.
add_library(router STATIC
    check_client.c
    checkpointer.c
    clock.c
    config_job.c
    conversation.c
    conversation_hello.c
    delivery.c
    directory.c
    dispatch.c
    engine_host.c
    engine_host_guests.c
    engine_host_own.c
    engine_host_start.c
    guest.c
    listener.c
    ownership/figures.c
    ownership/keeper.c
    ownership/lookout.c
    ownership/outage.c
    ownership/ownership.c
    ownership/standby_config.c
    ownership/vacancy.c
    ownership/shore.c
    log.c
    mailbox.c
    nodes.c
    parcel.c
    post.c
    reactor.c
    reads.c
    recovery.c
    report.c
    server.c
    server_journal.c
    session.c
    session_input.c
    session_output.c
    update.c
    view.c
    view_offer.c
    view_terms.c
    workspace.c)
target_link_libraries(router PUBLIC proto queue config classify facts ownership stream journal PkgConfig::UV PkgConfig::CK PRIVATE project_flags)
target_include_directories(router PUBLIC ${CMAKE_SOURCE_DIR})

add_executable(switchboard-server main.c)
target_link_libraries(switchboard-server PRIVATE project_flags router)
