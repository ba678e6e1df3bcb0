"""The building blocks of the generated molecules, as plain SMILES by class.

Every class offers one reacting group of one sort, so that each reaction of `generate_routes.py` has one product. The
blocks that carry a structural alert (nitro, aldehyde, Michael acceptor, thiol, ...) are there on purpose: without them
the alert tasks would have no positives.
"""

from __future__ import annotations

_TABLE = {
    "acids": """
        OC(=O)c1ccccc1 OC(=O)c1ccc(F)cc1 OC(=O)c1ccc(OC)cc1 OC(=O)c1cccc(C(F)(F)F)c1 OC(=O)c1ccc(C#N)cc1
        OC(=O)c1ccc(C(C)(C)C)cc1 OC(=O)c1ccc(S(N)(=O)=O)cc1 OC(=O)c1ccc(S(C)(=O)=O)cc1 OC(=O)c1ccc(OC(F)(F)F)cc1
        OC(=O)c1c(Cl)cccc1Cl OC(=O)c1ccc2c(c1)OCO2 OC(=O)c1ccc(N2CCOCC2)cc1 OC(=O)c1ccc(-n2cccn2)cc1 OC(=O)c1ccccn1
        OC(=O)c1cccnc1 OC(=O)c1ccnc(C2CC2)c1 OC(=O)c1cnccn1 OC(=O)c1ccco1 OC(=O)c1ccc(C)s1 OC(=O)c1cc(C)on1
        OC(=O)c1cn(C)nc1C OC(=O)c1csc(C)n1 OC(=O)c1cnn2ccccc12 OC(=O)c1cc2ccccc2[nH]1 OC(=O)c1nc2ccccc2s1
        OC(=O)c1cnc2ccccc2c1 OC(=O)c1c2ccccc2nn1C OC(=O)c1cc2ccccc2o1 OC(=O)c1ccc2ncccc2c1 OC(=O)C1CCOCC1
        OC(=O)C1CCCCC1 OC(=O)[C@@H]1CCCO1 OC(=O)[C@H]1C[C@@H]1c1ccccc1 OC(=O)C1(c2ccc(Cl)cc2)CC1
        OC(=O)C12CC3CC(CC(C3)C1)C2 OC(=O)[C@H]1CCC(=O)N1 OC(=O)C1CCS(=O)(=O)CC1 OC(=O)Cc1ccc(F)cc1
        OC(=O)Cc1c[nH]c2ccccc12 OC(=O)COc1ccc(Cl)cc1 OC(=O)CCc1cccnc1 OC(=O)CN1C(=O)c2ccccc2C1=O OC(=O)CCCc1ccccc1
        OC(=O)[C@@H](C)Oc1ccccc1 OC(=O)Cn1cnc2c1c(=O)n(C)c(=O)n2C OC(=O)CC1CC2CCC1C2 OC(=O)c1ccc([N+](=O)[O-])cc1
        OC(=O)c1cc([N+](=O)[O-])ccc1C OC(=O)c1ccc([N+](=O)[O-])o1 OC(=O)c1ccc(C=O)cc1 OC(=O)c1cccc(C=O)c1
        OC(=O)c1ccc(C=O)o1 OC(=O)c1ccc(O)c(O)c1 OC(=O)CCc1ccc(O)c(O)c1 OC(=O)/C=C/c1ccccc1
        OC(=O)/C=C/c1ccc(OC)c(OC)c1 OC(=O)/C=C/c1ccco1 OC(=O)CN1C(=O)C=CC1=O OC(=O)c1ccc(B2OC(C)(C)C(C)(C)O2)cc1
        OC(=O)c1ccc([Si](C)(C)C)cc1 OC(=O)c1ccc(CP(=O)(OCC)OCC)cc1 OC(=O)c1ccc(CCl)cc1 OC(=O)c1cccc(I)c1
        OC(=O)c1ccc[n+]([O-])c1 OC(=O)c1ccc(C[N+](C)(C)C)cc1 OC(=O)c1ccccc1S OC(=O)c1cc(O)c(O)c(O)c1
    """,
    "small_acids": """
        OC(=O)C OC(=O)C(C)C OC(=O)C(C)(C)C OC(=O)C1CC1 OC(=O)COC OC(=O)C(F)(F)F OC(=O)CC#N OC(=O)C1CCC1 OC(=O)C1COC1
        OC(=O)CS(C)(=O)=O OC(=O)C=C OC(=O)/C=C/C OC(=O)C(=C)C OC(=O)C#CC OC(=O)CCl OC(=O)CCCCl OC(=O)CCS
        OC(=O)CCCCCCC OC(=O)C(=O)OCC OC(=O)C[N+](C)(C)C OC(=O)[C@@H]1CO1 OC(=O)CCC(=O)OC
    """,
    "cyclic_amines": """
        C1CCNC1 C1CCNCC1 C1COCCN1 C1CSCCN1 O=S1(=O)CCNCC1 CN1CCNCC1 NC(=O)CN1CCNCC1 OC1CCNCC1 CC1CCNCC1 FC1(F)CCNCC1
        C1CNCc2ccccc21 c1ccc(N2CCNCC2)cc1 c1ccc(N2CCNCC2)nc1 Fc1ccc(N2CCNCC2)cc1 Clc1cccc(N2CCNCC2)c1 NC(=O)C1CCNCC1
        CCOC(=O)C1CCNCC1 C1CC2(CCN1)OCCO2 C1NCC12COC2 C1CC1CN1CCNCC1 c1ccc(C2CCNC2)cc1 COC[C@@H]1CCCN1 O[C@H]1CCNC1
        C1CC2CCC(C1)N2 C1C2CCCC2CN1 CN(C)[C@@H]1CCNC1 C[C@H]1CN[C@H](C)CO1 c1ccc2c(c1)CCN2 O=C1CC2(CCNCC2)c2ccccc2N1
        [O-][N+](=O)c1ccc(N2CCNCC2)cc1 O=Cc1ccc(N2CCNCC2)cc1 C1CCCNCC1 Oc1cc2c(cc1O)CNCC2 O=CC1CCNCC1
    """,
    "primary_amines": """
        NC1CC1 NCC1CC1 NC1CCCCC1 NC(C)(C)C NCCOC NCC(F)(F)F NCC1CCCO1 NC1CCOCC1 N[C@@H](C)c1ccccc1
        N[C@H](C)c1ccc(F)cc1 NCc1ccccc1 NCc1ccc(Cl)cc1 NCc1ccc(OC)cc1 NCc1cccnc1 NCc1ccco1 NCc1cccs1 NCCc1ccccc1
        NCCc1c[nH]c2ccccc12 NCCN1CCOCC1 NCCCn1ccnc1 N[C@@H]1CCc2ccccc21 NC12CC3CC(CC(C3)C1)C2 NCC(=O)OC
        N[C@@H](CC(C)C)C(=O)OC N[C@@H](Cc1ccccc1)C(N)=O NCCS(C)(=O)=O NCCc1ccc(S(N)(=O)=O)cc1 NC1CN2CCC1CC2
        NCCc1ccc(O)c(O)c1 NCc1ccc([N+](=O)[O-])cc1 NCCCCCCCC NCCSSCC NCCS NCCC[Si](C)(C)C NCP(=O)(OCC)OCC
        N[C@H]1CC[C@@H](O)CC1 NCC=C NCc1ccc(B2OC(C)(C)C(C)(C)O2)cc1 NCCC[N+](C)(C)C NCCCS(=O)(=O)[O-]
        NCCCC[C@H]([NH3+])C(=O)[O-]
    """,
    "anilines": """
        Nc1ccccc1 Nc1ccc(F)cc1 Nc1ccc(Cl)c(Cl)c1 Nc1ccc(OC)cc1 Nc1cccc(C(F)(F)F)c1 Nc1ccc(C(C)=O)cc1 Nc1c(C)cccc1C
        Nc1ccc(S(N)(=O)=O)cc1 Nc1ccc(N2CCOCC2)cc1 Nc1ccc2c(c1)OCO2 Nc1ccc2[nH]ncc2c1 Nc1cccnc1 Nc1ccc(OC)nc1
        Nc1cnc2ccccc2c1 Nc1nccs1 Nc1cc(C)on1 Nc1ccn(C)n1 Nc1ccc2ncsc2c1 Nc1ccc(C#N)cc1 Nc1ccc(C(=O)OCC)cc1
        Nc1ccc([N+](=O)[O-])cc1 Nc1cccc([N+](=O)[O-])c1C Nc1ccc(C=O)cc1 Nc1ccc(O)cc1 Nc1ccc(O)c(O)c1 Nc1ccc(N(C)C)cc1
        Nc1cccc(C#C)c1 Nc1ccc(Br)cc1 Nc1ccc([Si](C)(C)C)cc1 Nc1ccc(SC)cc1 Nc1ccc(C(=O)/C=C/c2ccccc2)cc1
    """,
    "amino_acids": """
        NCC(=O)O N[C@@H](C)C(=O)O N[C@@H](C(C)C)C(=O)O N[C@@H](Cc1ccccc1)C(=O)O N[C@H](Cc1ccc(F)cc1)C(=O)O
        N[C@@H](CCSC)C(=O)O N[C@@H](Cc1c[nH]c2ccccc12)C(=O)O OC(=O)[C@@H]1CCCN1 OC(=O)[C@H]1CSCN1 OC(=O)C1CNC1
        OC(=O)C1CCNCC1 NCCC(=O)O NC[C@H]1CC[C@@H](C(=O)O)CC1 NCc1ccc(C(=O)O)cc1 Nc1cccc(C(=O)O)c1 NC1(C(=O)O)CC1
        OC(=O)[C@@H]1Cc2ccccc2CN1 N[C@H](C(=O)O)c1ccccc1
    """,
    "boc_diamines": """
        CC(C)(C)OC(=O)N1CCNCC1 CC(C)(C)OC(=O)N1CCC(N)CC1 CC(C)(C)OC(=O)N1CC[C@@H](N)C1 CC(C)(C)OC(=O)N1CC(N)C1
        CC(C)(C)OC(=O)N1CCCNCC1 CC(C)(C)OC(=O)NC1CCNCC1 CC(C)(C)OC(=O)N1CC2(C1)CCNC2 CC(C)(C)OC(=O)NCCN
        CC(C)(C)OC(=O)N1C[C@@H]2C[C@H]1CN2 CC(C)(C)OC(=O)N1CCC(CN)CC1 CC(C)(C)OC(=O)NCc1ccc(N)cc1
        CC(C)(C)OC(=O)N[C@@H]1CC[C@H](N)CC1 CC(C)(C)OC(=O)N1CCc2ccc(N)cc2C1 CC(C)(C)OC(=O)N1C[C@H]2CNC[C@H]2C1
    """,
    "sulfonyl_chlorides": """
        ClS(=O)(=O)C ClS(=O)(=O)C1CC1 ClS(=O)(=O)c1ccccc1 ClS(=O)(=O)c1ccc(C)cc1 ClS(=O)(=O)c1ccc(F)cc1
        ClS(=O)(=O)c1ccc(OC)cc1 ClS(=O)(=O)c1cccs1 ClS(=O)(=O)c1cccnc1 ClS(=O)(=O)c1cn(C)cn1 ClS(=O)(=O)c1c(C)noc1C
        ClS(=O)(=O)c1cccc2cccnc12 ClS(=O)(=O)c1ccc2ccccc2c1 ClS(=O)(=O)c1ccc(NC(C)=O)cc1 ClS(=O)(=O)C=C
        ClS(=O)(=O)c1ccc([N+](=O)[O-])cc1 ClS(=O)(=O)c1cccc(C=O)c1 ClS(=O)(=O)C[C@]12CC[C@H](CC1=O)C2(C)C
        ClS(=O)(=O)N1CCOCC1
    """,
    "isocyanates": """
        O=C=Nc1ccccc1 O=C=Nc1ccc(F)cc1 O=C=Nc1ccc(Cl)c(C(F)(F)F)c1 O=C=Nc1ccc(OC)cc1 O=C=Nc1cccc(C#N)c1
        O=C=Nc1ccc([N+](=O)[O-])cc1 O=C=Nc1ccc2c(c1)OCCO2 O=C=Nc1ccsc1
    """,
    "isothiocyanates": """
        S=C=Nc1ccccc1 S=C=Nc1ccc(F)cc1 S=C=Nc1ccc(OC)cc1 S=C=Nc1cccnc1 S=C=Nc1ccc([N+](=O)[O-])cc1 S=C=NC S=C=NCC=C
    """,
    "aldehydes": """
        O=Cc1ccc(F)cc1 O=Cc1ccc(OC)cc1 O=Cc1ccc(O)c(OC)c1 O=Cc1ccc(N(C)C)cc1 O=Cc1ccc(C#N)cc1 O=Cc1ccccc1Cl
        O=Cc1ccc([N+](=O)[O-])cc1 O=Cc1cccc([N+](=O)[O-])c1 O=Cc1ccc(O)c(O)c1 O=Cc1ccco1 O=Cc1ccc(C)s1 O=Cc1cccnc1
        O=Cc1ccc(-n2cccn2)cc1 O=Cc1c[nH]c2ccccc12 O=Cc1cnn(C)c1 O=Cc1cnc2ccccc2c1 O=Cc1ccc2c(c1)OCO2
        O=Cc1cc(OC)c(OC)c(OC)c1 O=CC1CCCCC1 O=CC(C)C O=Cc1ccc(C(F)(F)F)cc1 O=Cc1csc(C)n1
    """,
    "halo_acids": """
        OC(=O)c1ccc(Br)cc1 OC(=O)c1cccc(Br)c1 OC(=O)c1cc(Br)cnc1 OC(=O)c1ccc(Br)s1 OC(=O)c1cc(Br)ccc1F
        OC(=O)Cc1ccc(Br)cc1 OC(=O)c1cn(C)nc1Br OC(=O)c1ccc(Br)c([N+](=O)[O-])c1
    """,
    "halo_anilines": "Nc1cccc(Br)c1 Nc1ccc(Br)cn1 Nc1ccc(Br)cc1F NCc1ccc(Br)cc1 Nc1cnc(Br)cn1 Nc1cc(Br)ccc1C",
    "boronic_acids": """
        OB(O)c1ccccc1 OB(O)c1ccc(F)cc1 OB(O)c1ccc(OC)cc1 OB(O)c1cccc(C#N)c1 OB(O)c1ccncc1 OB(O)c1cnc(OC)nc1
        OB(O)c1cnn(C)c1 OB(O)c1ccsc1 OB(O)c1ccc2[nH]ccc2c1 OB(O)c1ccc2c(c1)OCO2 OB(O)c1cccc(C=O)c1
        OB(O)c1ccc([N+](=O)[O-])cc1 OB(O)c1ccc(S(C)(=O)=O)cc1 OB(O)C1=CCOCC1 OB(O)/C=C/c1ccccc1 OB(O)c1ccc(O)c(O)c1
    """,
    "aryl_bromides": """
        Brc1ccc2ncccc2c1 Brc1cnc2[nH]ccc2c1 Brc1ccc2c(cnn2C)c1 Brc1ccc(N2CCCC2=O)cc1 Brc1cnc(N2CCCC2)nc1
        Brc1ccc(S(=O)(=O)N2CCCC2)cc1 Brc1ccc2c(c1)C(=O)NC2 Brc1ccc2c(c1)CCC(=O)N2 Brc1ccn2nccc2c1
        Brc1ccc(C2OCCO2)cc1 Brc1ccc2nsnc2c1 Brc1cc2ccccc2cn1 Brc1csc2ccccc12 Brc1ccc2c(c1)C(=O)c1ccccc1-2
        Brc1c2ccccc2cc2ccccc12 Brc1ccc(/C=C/C(=O)OCC)cc1 Brc1ccc2oc(=O)ccc2c1 Brc1cc2ncccn2n1 Brc1ccc(C=O)s1
        Brc1cc(C=O)ccn1
    """,
    "hetaryl_chlorides": """
        Clc1ncccn1 Clc1nc(C)cc(C)n1 Clc1ncnc2ccccc12 Clc1ncnc2sccc12 Clc1nc2ccccc2s1 Clc1ccc(C#N)cn1
        Clc1ccc(C(F)(F)F)cn1 Clc1ccc([N+](=O)[O-])cn1 Clc1ncnc2[nH]cnc12 Clc1nnc(-c2ccccc2)cc1 Clc1cnc2ccccc2n1
        Clc1nc2ccccc2c(=O)[nH]1 Clc1ncnc2c1cnn2C Clc1nccc2ccccc12 Clc1nc(OC)nc(OC)n1 Clc1ccc(C=O)cn1
        Clc1nc2ccccc2cc1C=O
    """,
    "azides": """
        [N-]=[N+]=NCc1ccccc1 [N-]=[N+]=NCc1ccc(F)cc1 [N-]=[N+]=NCc1ccc([N+](=O)[O-])cc1 [N-]=[N+]=Nc1ccc(OC)cc1
        [N-]=[N+]=Nc1cccc(C(F)(F)F)c1 [N-]=[N+]=NCC(=O)OCC [N-]=[N+]=NCCO [N-]=[N+]=NC1CCOCC1
    """,
    "alkynes": """
        C#Cc1ccccc1 C#Cc1ccc(OC)cc1 C#Cc1cccnc1 C#CCOc1ccc(C=O)cc1 C#CCN1C(=O)c2ccccc2C1=O C#C[Si](C)(C)C C#CC1CC1
        C#CC(C)(C)O C#CCOc1ccc2oc(=O)ccc2c1 C#CCN1CCOCC1 C#Cc1ccc(N(C)C)cc1 C#CCCCCCC
    """,
    "alkynyl_amines": "C#CCN C#CCNC C#CC1CCNCC1 C#Cc1ccc(N)cc1",
    "bromoketones": """
        O=C(CBr)c1ccccc1 O=C(CBr)c1ccc(F)cc1 O=C(CBr)c1ccc(OC)cc1 O=C(CBr)c1ccc([N+](=O)[O-])cc1
        O=C(CBr)c1ccc(C#N)cc1 O=C(CBr)c1cccs1 O=C(CBr)c1ccncc1 O=C(CBr)C1CC1 O=C(CBr)c1ccc2c(c1)OCCO2
        O=C(CBr)c1ccc(O)c(O)c1
    """,
    "thioamides": """
        NC(=S)c1ccccc1 NC(=S)c1ccncc1 NC(=S)C NC(=S)N NC(=S)NC NC(=S)Nc1ccccc1 NC(=S)N1CCOCC1
        NC(=S)Nc1ccc([N+](=O)[O-])cc1 NC(=S)c1ccc(F)cc1
    """,
    "aminopyridines": "Nc1ccccn1 Nc1cc(C)ccn1 Nc1ccc(Cl)cn1 Nc1ncccn1 Nc1cnccn1 Nc1ccc(C(=O)OC)cn1",
    "ortho_diamines": """
        Nc1ccccc1N Nc1cc(C)c(C)cc1N Nc1cc(Cl)c(Cl)cc1N Nc1ccccc1O Nc1ccc(C)cc1O Nc1ccccc1S Nc1ccc(C#N)cc1O
        Nc1ncccc1O
    """,
    "thiourea": "NC(N)=S",
    "thiosemicarbazide": "NNC(N)=S",
    "hydrazinobenzoic_acids": "NNc1ccc(C(=O)O)cc1 NNc1cccc(C(=O)O)c1",
    "small_amines": "NC NCC NC1CC1 NCCOC",
    "hydroxybenzaldehydes": "O=Cc1ccc(O)c(OC)c1 O=Cc1ccccc1O O=Cc1ccc(O)cc1 O=Cc1ccc(O)cc1F O=Cc1cc(Cl)ccc1O",
    "amidoximes": """
        NC(=NO)c1ccccc1 NC(=NO)c1ccc(F)cc1 NC(=NO)c1cccnc1 NC(=NO)C NC(=NO)C1CC1 NC(=NO)c1ccc([N+](=O)[O-])cc1
    """,
    "diketones": """
        CC(=O)CC(C)=O CCC(=O)CC(=O)CC CC(=O)C(C)C(C)=O CC(=O)C(Cl)C(C)=O CC(=O)C(Cc1ccccc1)C(C)=O
    """,
    "hydrazines": """
        NNc1ccccc1 NNc1ccc(F)cc1 NNc1ccc(S(N)(=O)=O)cc1 NNc1ccc(OC)cc1 NNc1ccc([N+](=O)[O-])cc1
        NNc1ccc(Cl)cc1 NNc1ccc(C)cc1
    """,
    "cyclic_ketones": """
        O=C1CCCCC1 O=C1CCOCC1 O=C1CCSCC1 O=C1CCN(C)CC1 O=C1CCN(C(C)=O)CC1 O=C1CCC(C(=O)OCC)CC1 O=C1CCCC1
    """,
    "tryptamines": """
        NCCc1c[nH]c2ccccc12 NCCc1c[nH]c2ccc(OC)cc12 NCCc1c[nH]c2ccc(F)cc12 N[C@@H](Cc1c[nH]c2ccccc12)C(=O)OC
    """,
    "acetoacetates": "CC(=O)CC(=O)OCC CC(=O)CC(=O)OC CC(=O)CC(=O)NC CC(=O)CC(=O)OCC=C",
    "ureas": "NC(N)=O NC(=O)NC NC(N)=S",
    "active_methylenes": """
        C(C#N)C#N C(C#N)C(=O)OCC C(C#N)C(N)=O C(C#N)C(=O)N1CCOCC1 C1SC(=S)NC1=O C1SC(=S)N(CC=C)C1=O C1SC(=O)NC1=O
        C1C(=O)N(C)C(=O)N(C)C1=O C1C(=O)Nc2ccccc21 C(C#N)S(=O)(=O)c1ccccc1 C(C#N)C(=O)NC1CC1
    """,
    "methyl_ketones": """
        CC(=O)c1ccccc1 CC(=O)c1ccc(F)cc1 CC(=O)c1ccc(OC)cc1 CC(=O)c1ccccc1O CC(=O)c1ccc(N2CCOCC2)cc1 CC(=O)c1cccs1
        CC(=O)c1cccnc1 CC(=O)c1ccc(NC(C)=O)cc1 CC(=O)c1ccc(O)c(O)c1
    """,
    "hydrazides": """
        NNC(=O)c1ccccc1 NNC(=O)c1ccncc1 NNC(=O)c1ccc(O)cc1 NNC(=O)c1ccco1 NNC(=O)Cc1ccccc1 NNC(N)=O NNC(N)=S
        NNC(=O)CSc1ccccn1 NNC(=O)c1ccccc1O NNC(=O)CC#N NNC(=O)c1ccc(O)c(O)c1
    """,
    "couplers": "Oc1ccccc1C Oc1ccccc1OC CN(C)c1ccccc1 CCN(CCO)c1ccccc1 Oc1ccccc1C(=O)OC",
    "thiols": """
        Sc1nc2ccccc2[nH]1 Sc1nc2ccccc2s1 Sc1nc2ccccc2o1 Sc1nnc(-c2ccccc2)o1 Sc1nnc(C)s1 Sc1nnnn1-c1ccccc1 Sc1ncccn1
        Sc1ccccn1 Sc1ccc(F)cc1 Sc1nc(C)cc(C)n1 Sc1nnc(-c2cccnc2)n1C
    """,
    "chloroacetic": "OC(=O)CCl",
    "alcohols": """
        OCc1ccccc1 OC1CCCCC1 OCCN(C)C OCC=C OCC(F)(F)F O[C@@H]1C[C@H](C)CC[C@H]1C(C)C OC1CC2CCC1(C)C2(C)C
        OC1CCN(C)CC1 OCCCCCCCC OCC[Si](C)(C)C Oc1ccccc1 Oc1ccc(OC)cc1 Oc1ccc([N+](=O)[O-])cc1 Oc1ccc(C=O)cc1
        Oc1cccnc1 OCC#C
    """,
    "phenols": """
        Oc1ccc(C(C)=O)cc1 Oc1ccc(NC(C)=O)cc1 Oc1ccc2ccccc2c1 Oc1ccc2oc(=O)cc(C)c2c1 Oc1ccc(C=O)c(OC)c1
        Oc1ccc(C#N)cc1 Oc1cccc2cccnc12 Oc1ccc(C(=O)OC)cc1 Oc1ccc2c(c1)CCC(=O)N2 Oc1ccc([N+](=O)[O-])c(F)c1
    """,
    "alkyl_halides": """
        BrCc1ccccc1 BrCc1ccc(F)cc1 BrCc1ccc(C#N)cc1 BrCc1ccc([N+](=O)[O-])cc1 BrCC(=O)OCC BrCC(=O)N BrCC(=O)c1ccccc1
        BrCC#C BrCC=C BrCCOC BrCC1CC1 BrCc1cccc(OC)c1
    """,
    "tertiary_amines": """
        CN1CCCC1 CN1CCOCC1 CN(C)Cc1ccc(OC)cc1 c1ccncc1 Cc1ccncc1 NC(=O)c1cccnc1 CN(C)CCOC(c1ccccc1)c1ccccc1
        C1CN2CCC1CC2 CN1C2CCC1CC(OC(=O)C(CO)c1ccccc1)C2 CCN(CC)CC(=O)Nc1c(C)cccc1C
    """,
}

BLOCKS: dict[str, tuple[str, ...]] = {name: tuple(text.split()) for name, text in _TABLE.items()}
"""Class name -> its blocks."""
