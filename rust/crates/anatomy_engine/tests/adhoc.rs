#[test] fn pack() { let doc=std::fs::read("/tmp/program.json").unwrap(); match anatomy_engine::Engine::new(&doc) { Ok(_)=>{}, Err(e)=>panic!("{} {} {} {}",e.code.as_str(),e.place,e.message,e.hint)} }
