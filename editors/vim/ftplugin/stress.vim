" Comments, indents and `gq` as the language has them; `:make` checks the file.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=//\ %s
setlocal comments=:///,://!,://
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal formatoptions-=t formatoptions+=croql
if executable("stressc")
  setlocal formatprg=stressc\ fmt\ -
  setlocal makeprg=stressc\ check\ --format\ short\ %:S
endif

let b:undo_ftplugin = "setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< formatoptions< formatprg< makeprg<"
