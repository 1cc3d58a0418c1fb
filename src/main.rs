fn main() -> std::process::ExitCode {
    stressc::cli::main(std::env::args_os())
}
