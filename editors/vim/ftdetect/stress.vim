autocmd BufNewFile,BufRead *.stress setfiletype stress
