//! What `wit/` says, as Rust.

wasmtime::component::bindgen!({
    path: ["../wit/process", "../wit/tool/0.2.0"],
    inline: "
        package glovebox:host;
        world kernel {
            include glovebox:process/program@0.1.0;
            import glovebox:tool/context@0.2.0;
            export glovebox:tool/tool@0.2.0;
        }",
    world: "glovebox:host/kernel",
    // Only what can wait is async: an async host function costs an allocation.
    imports: {
        "glovebox:process/process.[method]endpoint.read": async | trappable,
        "glovebox:process/process.[method]endpoint.write": async | trappable,
        "glovebox:process/process.[method]endpoint.readable": async | trappable,
        "glovebox:process/process.[method]child.wait": async | trappable,
        "glovebox:process/process.wait-for": async | trappable,
        "glovebox:process/process.spawn": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "glovebox:process/process.endpoint": crate::process::endpoint::Endpoint,
        "glovebox:process/process.child": crate::process::table::Child,
        "glovebox:process/process.tail": crate::process::endpoint::Tail,
    },
    require_store_data_send: true,
});

/// What `glovebox:tool@0.1.0` says otherwise. The shapes of calls are those of 0.2.0.
pub(crate) mod v0_1 {
    wasmtime::component::bindgen!({
        path: ["../wit/tool/0.1.0"],
        inline: "
            package glovebox:host;
            world context {
                import glovebox:tool/context@0.1.0;
                import glovebox:tool/types@0.1.0;
            }",
        world: "glovebox:host/context",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}
